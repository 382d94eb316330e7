#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Video-MME-v2's scores: the four questions about a video are one group.
namespace vcflash::eval::video_mme_v2 {

/// Which questions of a group say the same of a video: `pair` stands for the questions that are one
/// step together.
enum class Structure { chain, middle_pair, first_pair };

/// How rows write them, without blanks.
inline constexpr std::array<std::string_view, 3> structures{"[1,2,3,4]", "[1,[2,3],4]",
                                                            "[[1,2],3,4]"};

/// A question's place.
struct Place {
  std::string group{};    ///< the video
  std::int64_t step = 1;  ///< 1 to 4
  bool logic = false;     ///< steps that build on each other; else four that belong together
  Structure structure = Structure::chain;
  std::string level{};
};

/// Percent that a group of four is worth, of which are right `right[0]` to `right[3]`. Where they
/// only belong together, the square of their share. Where they build on each other, what is right
/// before the first that is wrong; the second of a pair stands for the first.
inline double group_score(bool logic, Structure structure, std::array<bool, 4> const& right) {
  constexpr std::array<double, 5> squares{0, 1, 4, 9, 16}, middle{0, 1, 4, 7, 12},
      first{0, 1, 2, 5, 10};
  if (!logic) {
    return 100 * squares[static_cast<std::size_t>(std::ranges::count(right, true))] / 16;
  }
  auto steps = static_cast<std::size_t>(std::ranges::find(right, false) - right.begin());
  if (structure == Structure::middle_pair && steps == 1 && right[2]) ++steps;
  if (structure == Structure::first_pair && steps == 0 && right[1]) ++steps;
  auto const& worth = structure == Structure::chain         ? squares
                      : structure == Structure::middle_pair ? middle
                                                            : first;
  return 100 * worth[steps] / worth.back();
}

/// Means of the groups' scores and of the single questions, in percent: of all, of both types, and
/// of the levels 1 to 3, where a group is of its last question's level.
/// \param right whether each question was answered right
inline std::vector<std::pair<std::string, double>> scores(std::vector<Place> const& places,
                                                          std::vector<bool> const& right) {
  struct Group {
    Place const* last = nullptr;
    std::array<bool, 4> right{};
  };
  struct Mean {
    double sum = 0, count = 0;
    void add(double value) { sum += value, ++count; }
    double value() const { return count > 0 ? sum / count : 0; }
  };
  std::map<std::string, Group> groups;
  std::map<std::string, Mean> group_means, question_means;
  auto const add = [](std::map<std::string, Mean>& means, Place const& place, double value) {
    for (std::string const& part :
         {std::string("overall"), std::string(place.logic ? "logic" : "relevance"),
          "level_" + place.level}) {
      means[part].add(value);
    }
  };
  for (std::size_t i = 0; i < places.size(); ++i) {
    auto const& place = places[i];
    auto& group = groups[place.group];
    group.right[static_cast<std::size_t>(place.step - 1)] = right[i];
    if (!group.last || place.step > group.last->step) group.last = &place;
    add(question_means, place, right[i] ? 100 : 0);
  }
  for (auto const& [name, group] : groups) {
    add(group_means, *group.last,
        group_score(group.last->logic, group.last->structure, group.right));
  }
  std::vector<std::pair<std::string, double>> result;
  for (auto const* part : {"overall", "relevance", "logic", "level_1", "level_2", "level_3"}) {
    result.emplace_back(std::string(part) + "_score", group_means[part].value());
    result.emplace_back(std::string(part) + "_acc", question_means[part].value());
  }
  return result;
}

}  // namespace vcflash::eval::video_mme_v2
