#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include <tests/support/golden.hpp>
#include <vcflash/text/time_message.hpp>

using namespace vcflash;
using vcflash::test::golden_json;

TEST_CASE("numbers are rounded and printed as in the reference", "[golden]") {
  auto const golden = golden_json("data/frame_sampling.json");
  for (auto const& row : golden.at("meta").at("number_format")) {
    CAPTURE(row.dump());
    if (row.contains("x")) {
      auto const x = row.at("x").get<double>();
      CHECK(text::one_decimal(x) == row.at("round1").get<std::string>());
      CHECK(fmt::format("{:.2f}", x) == row.at("fmt2f").get<std::string>());
    } else {
      auto const seconds = row.at("f").get<double>() / row.at("fps").get<double>();
      CHECK(text::one_decimal(seconds) == row.at("str").get<std::string>());
      CHECK(text::one_decimal(seconds, text::Rounding::scaled) ==
            row.at("np_str").get<std::string>());
    }
  }
}

TEST_CASE("the short time message reads as in the reference", "[golden]") {
  auto const golden = golden_json("data/frame_sampling.json");
  int compared = 0;
  for (auto const& row : golden.at("rows")) {
    if (row.at("kind") != "process_video" || !row.contains("msg")) continue;
    auto const& in = row.at("in");
    if (in.at("time_msg") != "short") continue;
    CAPTURE(row.dump());
    double duration = in.at("video_len").get<double>() / in.at("fps").get<double>();
    if (!in.at("end").is_null()) {
      duration = test::golden_number(in.at("end")) - test::golden_number(in.at("start"));
    } else if (!in.at("start").is_null()) {
      continue;  // what is left from there is the reader's to say
    }
    CHECK(text::time_message(duration, row.at("n").get<std::int64_t>()) ==
          row.at("msg").get<std::string>());
    ++compared;
  }
  CHECK(compared > 0);
}

TEST_CASE("the long time message lists when each frame is shown", "[unit]") {
  std::vector<double> const seconds = {0.25, 1.0, -0.04, 1e16};
  CHECK(text::time_message(2.005, seconds) ==
        "\nThe video lasts for 2.00 seconds, and 4 frames are uniformly sampled at "
        "0.2, 1.0, -0.0, 1e+16 seconds. ");
  CHECK(text::time_message(0.0, std::span<double const>{}) ==
        "\nThe video lasts for 0.00 seconds, and 0 frames are uniformly sampled at  seconds. ");
}

TEST_CASE("a number near a tie is rounded as Python or as NumPy does", "[unit]") {
  CHECK(text::one_decimal(0.35) == "0.3");
  CHECK(text::one_decimal(0.35, text::Rounding::scaled) == "0.4");
  std::vector<double> const seconds = {0.35};
  CHECK(text::time_message(1.0, seconds).ends_with(" sampled at 0.4 seconds. "));
  CHECK(text::time_message(1.0, seconds, text::Rounding::exact).ends_with(" at 0.3 seconds. "));
}

TEST_CASE("a number is printed with the fewest digits, as Python prints it", "[unit]") {
  CHECK(text::shortest(1.0) == "1.0");
  CHECK(text::shortest(-0.0) == "-0.0");
  CHECK(text::shortest(0.1) == "0.1");
  CHECK(text::shortest(1e15) == "1000000000000000.0");
  CHECK(text::shortest(1e22) == "1e+22");
  CHECK(text::shortest(1e-5) == "1e-05");
  CHECK(text::shortest(INFINITY) == "inf");
}
