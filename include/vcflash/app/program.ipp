#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/app/build_commit.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/base/error.hpp>

namespace vcflash::app {

VCFLASH_INLINE void add_device(CLI::App& flags, std::string& device) {
  flags
      .add_option("--device", device,
                  "cpu, cuda or cuda:N; auto: a GPU where the program was built for one and there "
                  "is one; each process of a launcher takes a GPU of its own for cuda and auto")
      ->type_name("DEVICE")
      ->capture_default_str();
}

VCFLASH_INLINE void add_allow_missing(CLI::App& flags, std::vector<std::string>& patterns) {
  flags
      .add_option("--allow-missing", patterns,
                  "Tensors that a checkpoint need not have: a pattern of their keys, with * and ?; "
                  "they start as if untrained; may be given several times")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
}

VCFLASH_INLINE Program::Program(std::string name, std::string const& summary,
                                std::string const& examples)
    : flags_(std::make_unique<CLI::App>(summary, name)), name_(std::move(name)) {
  std::string footer = "Example:\n  ";
  for (char const letter : examples) {
    footer += letter;
    if (letter == '\n') footer += "  ";
  }
  flags_->footer(footer + "\n\nExit codes: 0 done, 1 failed, 2 wrong usage or input.");
  flags_->set_version_flag("--version",
                           fmt::format("{} (vcflash {}{}{})", name_, version,
                                       build_commit().empty() ? "" : ", commit ", build_commit()),
                           "Print the version and exit");
  flags_->get_help_ptr()->description("Print this help and exit");
  flags_->get_formatter()->column_width(32);
}

VCFLASH_INLINE Program::~Program() = default;

VCFLASH_INLINE std::optional<int> Program::parse(int argc, char const* const* argv) {
  try {
    flags_->parse(argc, argv);
    return std::nullopt;
  } catch (CLI::Success const& asked) {
    return flags_->exit(asked);  // --help and --version
  } catch (CLI::ParseError const& error) {
    std::cerr << name_ << ": " << first_line(error.what()) << " (see " << name_ << " --help).\n";
    return InputError::exit_code;
  }
}

}  // namespace vcflash::app
