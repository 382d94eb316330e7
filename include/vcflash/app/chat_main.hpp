#pragma once

#include <unistd.h>

#include <vcflash/app/log.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/app/trained_model.hpp>
#include <vcflash/app/viewing.hpp>
#include <vcflash/infer/conversation.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/resize.hpp>
#include <vcflash/media/video.hpp>
#include <vcflash/text/time_message.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vcflash::app {

namespace detail {

struct ChatArguments {
  std::filesystem::path model, video, image;
  std::vector<std::string> questions;
  std::string dtype = "float32";
  std::int64_t max_tokens = 512;
  Viewing viewing;
};

/// "8 of 16 frames, at 0.2, 1.2, … 7.2 s".
inline std::string seen_times(media::Video const& video) {
  constexpr std::size_t shown = 6;
  std::string times;
  for (std::size_t i = 0; i < video.seconds.size(); ++i) {
    if (i == shown && video.seconds.size() > shown + 2) {
      times += ", …";
      i = video.seconds.size() - 1;
    }
    times += fmt::format("{}{:.1f}", times.empty() ? "" : ", ", video.seconds[i]);
  }
  return times + " s";
}

template <Model M>
void look(infer::Conversation<M>& conversation, typename M::Network const& network,
          ChatArguments const& arguments) {
  constexpr int side = static_cast<int>(M::Encoder::resolution);
  if (!arguments.video.empty()) {
    auto const viewing =
        arguments.viewing.options(arguments.model, M::Encoder::clip_frames, M::time_message);
    auto const video = media::read_video(arguments.video, viewing.frames, side);
    fmt::print(stderr, "{}: {:.1f} s; looking at {} frames, at {}\n", arguments.video.string(),
               video.duration, video.frames.count, seen_times(video));
    conversation.show(infer::look_at<M>(network, video.frames, Modality::video),
                      viewing.time_message ? text::time_message(video.duration, video.frames.count)
                                           : std::string());
  }
  if (!arguments.image.empty()) {
    auto const image = media::read_image(arguments.image);
    fmt::print(stderr, "{}: {} x {} pixels; looking at it as one square of {} x {}\n",
               arguments.image.string(), image.width, image.height, side, side);
    auto square = media::resize_bicubic(image, side, side);
    conversation.show(infer::look_at<M>(
        network, media::Frames{1, square.height, square.width, std::move(square.rgb)},
        Modality::image));
  }
}

/// Asks what the flags ask, or else what is typed until the input ends.
template <Model M>
void talk(infer::Conversation<M>& conversation, ChatArguments const& arguments) {
  auto const answer = [&](std::string const& question) {
    conversation.ask(question, [](std::string const& piece) { std::cout << piece << std::flush; });
    std::cout << std::endl;
  };
  for (auto const& question : arguments.questions) answer(question);
  if (!arguments.questions.empty()) return;
  bool const typed = ::isatty(STDIN_FILENO) == 1;
  if (typed) fmt::print(stderr, "Ask; an empty line ends the conversation.\n");
  for (std::string question;;) {
    if (typed) fmt::print(stderr, "> ");
    if (!std::getline(std::cin, question) || question.empty()) return;
    answer(question);
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
  auto& flags = program.flags();
  flags.add_option("--model", arguments.model, "Folder that a training ended with")
      ->type_name("FOLDER")
      ->required();
  auto* const video =
      flags.add_option("--video", arguments.video, "Video to talk about")->type_name("FILE");
  flags.add_option("--image", arguments.image, "Image to talk about")
      ->type_name("FILE")
      ->excludes(video);
  flags.add_option("--ask", arguments.questions, "Ask this and end; may be given several times")
      ->type_name("TEXT");
  flags.add_option("--max-tokens", arguments.max_tokens, "Longest answer, in tokens")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  flags.add_option("--dtype", arguments.dtype, "float32 or bfloat16")
      ->check(CLI::IsMember({"float32", "bfloat16"}))
      ->capture_default_str();
  arguments.viewing.add_flags(flags);

  return program.run(argc, argv, [&] {
    set_up_log(name);
    auto const model = TrainedModel<M>::from_folder(arguments.model, dtype_of(arguments.dtype));
    infer::Conversation<M> conversation(model.network, model.tokenizer, arguments.max_tokens);
    detail::look(conversation, model.network, arguments);
    detail::talk(conversation, arguments);
  });
}

}  // namespace vcflash::app
