#include <vcflash/connectors/connector.hpp>
#include <vcflash/connectors/pooling.hpp>
#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("what is and what is not a connector", "[unit]") {
  STATIC_CHECK(Connector<ToMe16To<1536>>);
  STATIC_CHECK_FALSE(Connector<ToMe16>);
  STATIC_CHECK_FALSE(Connector<Umt<Res224>>);
}

TEST_CASE("a connector without widths fits itself between its neighbours", "[unit]") {
  using Between = Fitted<ToMe16, Umt<Res448>, Qwen2_5_1_5B>;
  STATIC_CHECK(std::same_as<Between, ToMe16To<1536>>);
  STATIC_CHECK(std::same_as<Fitted<ToMe16To<3584>, Umt<Res448>, Qwen2_5_1_5B>, ToMe16To<3584>>);
}

TEST_CASE("a connector may end media, and its keys may begin beside the projector", "[unit]") {
  using Pool = PoolingConnector<PoolingConfig{.name = "pool", .newline = Newline::one}>;
  STATIC_CHECK(EndsMedia<Pool>);
  STATIC_CHECK_FALSE(EndsMedia<ToMe16To<3584>>);
  CHECK(std::string_view(connector_prefix<Pool>()) == "model.");
  CHECK(std::string_view(connector_prefix<ToMe16To<3584>>()) == "model.mm_projector.");
}
