#pragma once

#include "my_model.hpp"

namespace recipes {

/// A recipe of one's own: its model, and the stage it is trained in.
struct my_experiment : vcflash::Training<models::my_model, vcflash::ConnectorInit> {};

}  // namespace recipes
