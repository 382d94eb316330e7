#pragma once

#include <unistd.h>

#include <vcflash/app/chat_command.hpp>
#include <vcflash/app/chat_row.hpp>
#include <vcflash/app/inspect/parallel.hpp>
#include <vcflash/app/log.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/app/stop_answer.hpp>
#include <vcflash/app/trained_model.hpp>
#include <vcflash/app/viewing.hpp>
#include <vcflash/data/picture.hpp>
#include <vcflash/dist/device.hpp>
#include <vcflash/infer/conversation.hpp>
#include <vcflash/infer/generation_config.hpp>
#include <vcflash/infer/look.hpp>
#include <vcflash/infer/look_at_picture.hpp>
#include <vcflash/media/load_video.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/keys.hpp>
#include <vcflash/recipe/stage.hpp>
#include <vcflash/text/time_message.hpp>
#include <vcflash/text/utf8.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vcflash::app {

namespace detail {

struct ChatArguments {
  std::filesystem::path model, adapter, video, image;
  std::vector<std::string> questions, allow_missing, stop_texts;
  std::string dtype = "auto", device = "auto", image_layout, rope_scaling;
  bool json = false, greedy = false;
  std::optional<double> temperature, top_p, min_p, repetition_penalty;
  std::optional<std::int64_t> top_k, max_tokens;
  std::uint64_t seed = 0;
  Viewing viewing;

  /// \param keys what --keys prints
  void add_flags(CLI::App& flags, std::function<std::string()> keys);

  /// The folder's defaults, but for what the command line says. What is not applied is warned of.
  infer::GenerationConfig generation() const;

  /// How images are shown: as the command line says, or as the model was trained.
  /// \throws InputError if the folder's config.json names a layout that is not known
  ImageLayout layout() const;
};

/// "0.2, 1.2, … 7.2 s".
std::string seen_times(std::vector<double> const& seconds);

/// What a person is told about why an answer ended; empty if the model ended it.
std::string ending_told(infer::Finish finish, std::int64_t max_tokens);

/// A conversation as a person leads it: questions, and commands that begin with a slash.
template <Model M>
class Chat {
 public:
  /// \param typed whether a person types at a terminal
  Chat(TrainedModel<M> const& model, ChatArguments arguments, bool typed)
      : network_(model.network),
        arguments_(std::move(arguments)),
        generation_(arguments_.generation()),
        conversation_(model.network, model.tokenizer, generation_),
        typed_(typed) {
    talk_about({.video = arguments_.video, .image = arguments_.image}, arguments_.viewing);
  }

  /// Answers on stdout: as it comes or, with --json, an object that says what was looked at too.
  void ask(std::string const& question) {
    std::optional<StopAnswer> stop;
    if (typed_) stop.emplace();
    auto const reply = conversation_.ask(question, [&](std::string const& piece) {
      if (!arguments_.json) std::cout << shown(piece) << std::flush;
      return !stop || !stop->asked();
    });
    if (arguments_.json) {
      nlohmann::ordered_json json{{"question", question},
                                  {"answer", reply.text},
                                  {"finish_reason", name_of(reply.finish)},
                                  {"prompt_tokens", reply.prompt_tokens},
                                  {"answer_tokens", reply.ids.size()}};
      json.update(looked_at_);
      std::cout << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }
    std::cout << std::endl;
    fmt::print(stderr, "{}", ending_told(reply.finish, generation_.max_new_tokens));
  }

  /// What is typed: a command, or a question. What cannot be done is said, and the conversation
  /// goes on.
  /// \return whether it does
  bool hear(std::string const& line) {
    auto verb = ChatVerb::nothing;
    try {
      auto const said = chat_line(line);
      verb = said.verb;
      if (verb == ChatVerb::nothing) return !typed_;
      if (verb == ChatVerb::quit) return false;
      if (verb == ChatVerb::question) {
        ask(said.argument);
      } else {
        obey(verb, said.argument);
      }
    } catch (std::exception const& error) {  // LibTorch's are of no class of ours
      if (verb == ChatVerb::question) {
        std::cout << std::endl;
        ++failed_;
      }
      fmt::print(stderr, "{}\n", text::with_visible_controls(first_line(error.what())));
    }
    return true;
  }

  /// Questions that could not be answered.
  std::int64_t failed() const { return failed_; }

 private:
  /// What the model sees of a subject, and what is told of it.
  struct Seen {
    Tensor tokens;
    QuestionForm form = QuestionForm::trained;
    std::string time_message;
    nlohmann::ordered_json facts;
  };

  void obey(ChatVerb verb, std::string const& argument) {
    switch (verb) {
      case ChatVerb::video:
        return talk_about({.video = typed_path(argument)}, arguments_.viewing);
      case ChatVerb::image:
        return talk_about({.image = typed_path(argument)}, arguments_.viewing);
      case ChatVerb::frames: {
        auto viewing = arguments_.viewing;
        viewing.min_frames = viewing.max_frames = typed_frames(argument);
        return talk_about(video_subject(), viewing);
      }
      case ChatVerb::clip: {
        auto subject = video_subject();
        subject.clip = typed_clip(argument);
        return talk_about(subject, arguments_.viewing);
      }
      case ChatVerb::reset:
        return conversation_.restart();
      case ChatVerb::save: {
        auto const path = typed_path(argument);
        append_row(path, chat_row(subject_, conversation_.turns()));
        return fmt::print(stderr, "appended to {}\n", path.string());
      }
      default:
        return fmt::print(stderr, "{}", chat_help());
    }
  }

  /// Begins anew about something else, once it was looked at: what cannot be leaves all as it is.
  void talk_about(ChatSubject subject, Viewing viewing) {
    std::optional<Seen> seen;
    if (!subject.video.empty()) seen = look_at_video(subject, viewing);
    if (!subject.image.empty()) seen = look_at_image(subject.image);
    conversation_.reset();
    if (seen) conversation_.show(seen->tokens, seen->form, seen->time_message);
    looked_at_ = seen ? std::move(seen->facts) : nlohmann::ordered_json::object();
    subject_ = std::move(subject);
    arguments_.viewing = std::move(viewing);
  }

  ChatSubject const& video_subject() const {
    if (subject_.video.empty()) throw InputError("there is no video; /video FILE shows one.");
    return subject_;
  }

  Seen look_at_video(ChatSubject const& subject, Viewing const& viewing_flags) const {
    auto const& path = subject.video;
    auto viewing = viewing_flags.options(arguments_.model, asking_of<M>());
    if (auto const sentence = advice(viewing); !sentence.empty()) warn(sentence);
    require_room(viewing.frames.min_frames);
    if (subject.clip) {
      viewing.frames.start = subject.clip->first;
      viewing.frames.end = subject.clip->second;
    }
    auto const video =
        media::load_video(path, viewing.frames, side, media::default_time_limit, all_threads());
    require_room(video.frames.count);
    fmt::print(stderr, "{}: {:.1f} s; looking at {} frames, at {}\n", path.string(), video.duration,
               video.frames.count, seen_times(video.seconds));
    nlohmann::ordered_json facts{{"video", path.string()},
                                 {"duration", video.duration},
                                 {"frames", video.frames.count},
                                 {"seconds", video.seconds}};
    return {infer::look_at<M>(network_, video.frames, Modality::video), viewing.form,
            viewing.time_message ? text::time_message(video.duration, video.frames.count)
                                 : std::string(),
            std::move(facts)};
  }

  Seen look_at_image(std::filesystem::path const& path) const {
    auto const layout = arguments_.layout();
    auto const picture = data::read_picture(path, layout, side);
    auto const seen =
        picture.rows > 0 ? fmt::format("the whole and {} x {} tiles", picture.columns, picture.rows)
                         : fmt::format("one square ({})", name_of(layout));
    fmt::print(stderr, "{}: {} x {} pixels; looking at {} of {} x {}\n", path.string(),
               picture.width, picture.height, seen, side, side);
    nlohmann::ordered_json facts{
        {"image", path.string()},          {"width", picture.width},
        {"height", picture.height},        {"image_layout", name_of(layout)},
        {"tile_columns", picture.columns}, {"tile_rows", picture.rows}};
    return {infer::look_at_picture<M>(network_, picture), {}, {}, std::move(facts)};
  }

  /// \throws InputError if the model does not take so many frames, before they are encoded
  void require_room(std::int64_t frames) const {
    constexpr auto a_clip = M::Connector::tokens(M::Encoder::clip);
    auto const most = facts_now(network_.llm).longest_input();
    if (frames / M::Encoder::clip.frames > most / a_clip) {
      fail<InputError>(frames, " frames are too many: ", std::string_view(M::Llm::name), " takes ",
                       most, " tokens at most, and ", M::Encoder::clip.frames, " frames are ",
                       a_clip);
    }
  }

  /// What a model says cannot steer a terminal.
  static std::string shown(std::string const& piece) {
    static bool const terminal = ::isatty(STDOUT_FILENO) == 1;
    return terminal ? text::with_visible_controls(piece) : piece;
  }

  static constexpr int side = static_cast<int>(M::Encoder::resolution);

  typename M::Network const& network_;
  ChatArguments arguments_;
  infer::GenerationConfig generation_;
  infer::Conversation<M> conversation_;
  bool typed_;
  std::int64_t failed_ = 0;
  ChatSubject subject_;
  nlohmann::ordered_json looked_at_ = nlohmann::ordered_json::object();
};

/// Asks what is typed until the input ends.
/// \throws Error if no person typed it, and a question could not be answered
template <Model M>
void talk(Chat<M>& chat, bool typed) {
  if (typed) fmt::print(stderr, "Ask, or type /help; an empty line ends the conversation.\n");
  for (std::string line;;) {
    if (typed) fmt::print(stderr, "> ");
    if (!std::getline(std::cin, line) || !chat.hear(line)) break;
  }
  if (!typed && chat.failed() > 0) fail(chat.failed(), " questions could not be answered.");
}

}  // namespace detail

/// The program `chat-<model>`.
template <Model M>
int chat_main(int argc, char** argv) {
  auto const name = fmt::format("chat-{}", type_name<M>());
  Program program(
      name, fmt::format("Talks with the model {} about a video or an image.", type_name<M>()),
      fmt::format("{0} --model FOLDER --video film.mp4\n"
                  "{0} --model FOLDER --image photo.png --ask \"What colour is it?\" --json",
                  name));
  detail::ChatArguments arguments;
  arguments.add_flags(program.flags(), checkpoint_keys<M>);

  return program.run(argc, argv, [&] {
    set_up_log(name);
    auto const device = dist::device_of(arguments.device);
    auto const dtype = dtype_of(dtype_for(arguments.dtype, arguments.model, device));
    auto const model = TrainedModel<M>::from({.folder = arguments.model,
                                              .dtype = dtype,
                                              .device = device,
                                              .allow_missing = arguments.allow_missing,
                                              .adapter = arguments.adapter,
                                              .rope_scaling = arguments.rope_scaling});
    bool const typed = arguments.questions.empty() && ::isatty(STDIN_FILENO) == 1;
    detail::Chat<M> chat(model, arguments, typed);
    for (auto const& question : arguments.questions) chat.ask(question);
    if (arguments.questions.empty()) detail::talk(chat, typed);
  });
}

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/chat_main.ipp>
#endif
