#pragma once

#include <unistd.h>

#include <vcflash/app/inspect/parallel.hpp>
#include <vcflash/app/log.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/app/trained_model.hpp>
#include <vcflash/app/viewing.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/dist/device.hpp>
#include <vcflash/infer/conversation.hpp>
#include <vcflash/infer/generation_config.hpp>
#include <vcflash/infer/look.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/load_video.hpp>
#include <vcflash/media/resize.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/keys.hpp>
#include <vcflash/text/time_message.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace vcflash::app {

namespace detail {

struct ChatArguments {
  std::filesystem::path model, video, image;
  std::vector<std::string> questions, allow_missing;
  std::string dtype = "auto", device = "auto";
  std::int64_t max_tokens = 512;
  bool json = false, greedy = false;
  std::optional<double> temperature, top_p, repetition_penalty;
  std::optional<std::int64_t> top_k;
  std::uint64_t seed = 0;
  Viewing viewing;

  /// \param keys what --keys prints
  void add_flags(CLI::App& flags, std::function<std::string()> keys);

  /// The folder's defaults, but for what the command line says.
  infer::Sampling sampling() const;
};

/// "0.2, 1.2, … 7.2 s".
std::string seen_times(std::vector<double> const& seconds);

/// A conversation as a person leads it: questions, and commands that begin with a slash.
template <Model M>
class Chat {
 public:
  Chat(TrainedModel<M> const& model, ChatArguments arguments)
      : network_(model.network),
        arguments_(std::move(arguments)),
        conversation_(
            model.network, model.tokenizer,
            {.max_new_tokens = arguments_.max_tokens, .sampling = arguments_.sampling()}) {
    if (!arguments_.video.empty()) look_at_video();
    if (!arguments_.image.empty()) look_at_image();
  }

  /// Answers on stdout: as it comes or, with --json, an object that says what was looked at too.
  void ask(std::string const& question) {
    auto const answer = conversation_
                            .ask(question,
                                 [&](std::string const& piece) {
                                   if (!arguments_.json) std::cout << piece << std::flush;
                                   return true;
                                 })
                            .text;
    if (arguments_.json) {
      nlohmann::ordered_json json{{"question", question}, {"answer", answer}};
      json.update(looked_at_);
      std::cout << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }
    std::cout << std::endl;
  }

  /// What is typed: a command, or a question. What a command cannot do it says, and the
  /// conversation goes on.
  void hear(std::string const& line) {
    if (!line.starts_with('/')) return ask(line);
    try {
      obey(line);
    } catch (Error const& error) {
      fmt::print(stderr, "{}\n", error.what());
    }
  }

 private:
  void obey(std::string const& line) {
    auto const space = line.find(' ');
    auto const command = line.substr(0, space);
    auto const argument = space == std::string::npos ? "" : line.substr(space + 1);
    if (command == "/video" && !argument.empty()) {
      begin_anew(argument, {});
    } else if (command == "/image" && !argument.empty()) {
      begin_anew({}, argument);
    } else if (command == "/frames") {
      change_frames(argument);
    } else if (command == "/reset") {
      begin_anew(arguments_.video, arguments_.image);
    } else if (command == "/save" && !argument.empty()) {
      save(argument);
    } else {
      fmt::print(stderr,
                 "/video FILE or /image FILE: talk about another; /frames N: look at so many "
                 "frames; /reset: forget what was said; /save FILE: write the conversation\n");
    }
  }

  void begin_anew(std::filesystem::path const& video, std::filesystem::path const& image) {
    auto const before = std::pair{arguments_.video, arguments_.image};
    conversation_.reset();
    looked_at_ = nlohmann::ordered_json::object();
    std::tie(arguments_.video, arguments_.image) = std::pair{video, image};
    try {
      if (!video.empty()) look_at_video();
      if (!image.empty()) look_at_image();
    } catch (Error const&) {
      std::tie(arguments_.video, arguments_.image) = before;
      throw;
    }
  }

  void change_frames(std::string const& number) {
    std::int64_t const frames = std::atoll(number.c_str());
    if (frames <= 0) throw InputError("/frames takes a number above 0.");
    arguments_.viewing.min_frames = arguments_.viewing.max_frames = frames;
    begin_anew(arguments_.video, arguments_.image);
  }

  /// Writes the conversation as training data are written.
  void save(std::filesystem::path const& path) const {
    nlohmann::ordered_json json;
    if (!arguments_.video.empty()) json["video"] = arguments_.video.string();
    if (!arguments_.image.empty()) json["image"] = arguments_.image.string();
    auto turns = nlohmann::ordered_json::array();
    for (auto const& turn : conversation_.turns()) {
      bool const human = turn.from == text::Turn::From::human;
      turns.push_back({{"from", human ? "human" : "gpt"}, {"value", turn.value}});
    }
    json["conversations"] = std::move(turns);
    checkpoint::write_file(
        path, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
    fmt::print(stderr, "written to {}\n", path.string());
  }

  void look_at_video() {
    auto const& path = arguments_.video;
    auto const viewing = arguments_.viewing.options(arguments_.model, asking_of<M>());
    if (auto const sentence = advice(viewing); !sentence.empty()) warn(sentence);
    auto const video =
        media::load_video(path, viewing.frames, side, media::default_time_limit, all_threads());
    fmt::print(stderr, "{}: {:.1f} s; looking at {} frames, at {}\n", path.string(), video.duration,
               video.frames.count, seen_times(video.seconds));
    looked_at_ = {{"video", path.string()},
                  {"duration", video.duration},
                  {"frames", video.frames.count},
                  {"seconds", video.seconds}};
    conversation_.show(infer::look_at<M>(network_, video.frames, Modality::video), viewing.form,
                       viewing.time_message ? text::time_message(video.duration, video.frames.count)
                                            : std::string());
  }

  void look_at_image() {
    auto const& path = arguments_.image;
    auto const image = media::read_image(path);
    fmt::print(stderr, "{}: {} x {} pixels; looking at it as one square of {} x {}\n",
               path.string(), image.width, image.height, side, side);
    looked_at_ = {{"image", path.string()}, {"width", image.width}, {"height", image.height}};
    auto square = media::resize_bicubic(image, side, side);
    conversation_.show(infer::look_at<M>(
        network_, media::Frames{1, square.height, square.width, std::move(square.rgb)},
        Modality::image));
  }

  static constexpr int side = static_cast<int>(M::Encoder::resolution);

  typename M::Network const& network_;
  ChatArguments arguments_;
  infer::Conversation<M> conversation_;
  nlohmann::ordered_json looked_at_ = nlohmann::ordered_json::object();
};

/// Asks what the flags ask, or else what is typed until the input ends.
template <Model M>
void talk(Chat<M>& chat, std::vector<std::string> const& questions) {
  for (auto const& question : questions) chat.ask(question);
  if (!questions.empty()) return;
  bool const typed = ::isatty(STDIN_FILENO) == 1;
  if (typed) fmt::print(stderr, "Ask, or type /help; an empty line ends the conversation.\n");
  for (std::string line;;) {
    if (typed) fmt::print(stderr, "> ");
    if (!std::getline(std::cin, line) || line.empty()) return;
    chat.hear(line);
  }
}

}  // namespace detail

/// The program `chat-<model>`.
template <Model M>
int chat_main(int argc, char** argv) {
  auto const name = fmt::format("chat-{}", std::string_view(M::name));
  Program program(
      name,
      fmt::format("Talks with the model {} about a video or an image.", std::string_view(M::name)),
      fmt::format("{0} --model demo-out/stage4 --video demo-out/data/shapes/clips/000000.mp4\n"
                  "{0} --model demo-out/stage4 --image photo.png --ask \"what colour is it ?\"",
                  name));
  detail::ChatArguments arguments;
  arguments.add_flags(program.flags(), checkpoint_keys<M>);

  return program.run(argc, argv, [&] {
    set_up_log(name);
    auto const device = dist::device_of(arguments.device);
    auto const dtype = dtype_of(dtype_for(arguments.dtype, arguments.model, device));
    auto const model =
        TrainedModel<M>::from_folder(arguments.model, dtype, device, arguments.allow_missing);
    detail::Chat<M> chat(model, arguments);
    detail::talk(chat, arguments.questions);
  });
}

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/chat_main.ipp>
#endif
