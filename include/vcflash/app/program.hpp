#pragma once

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/meta/error.hpp>

/// What every program does alike: flags with a help that teaches, errors as one sentence, exit
/// codes 0 done, 1 failed, 2 wrong usage or input.
namespace vcflash::app {

inline constexpr std::string_view version = "0.1.0";

namespace detail {

/// The first line of a message: LibTorch's errors carry a backtrace below it.
inline std::string first_line(std::string_view message) {
  return std::string(message.substr(0, message.find('\n')));
}

}  // namespace detail

/// The flag that says where a model runs.
inline void add_device(CLI::App& flags, std::string& device) {
  flags
      .add_option("--device", device,
                  "cpu, cuda or cuda:N; each process of a launcher takes a GPU of its own for cuda")
      ->type_name("DEVICE")
      ->capture_default_str();
}

/// The flag `--allow-missing` of programs that read a checkpoint.
inline void add_allow_missing(CLI::App& flags, std::vector<std::string>& patterns) {
  flags
      .add_option("--allow-missing", patterns,
                  "Tensors that a checkpoint need not have: a pattern of their keys, with * and ?; "
                  "they start as if untrained; may be given several times")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
}

/// Runs `body` and turns what it throws into one sentence on stderr and an exit code.
template <class Body>
int run_guarded(std::string_view name, Body&& body) {
  auto const failed = [&](std::string_view sentence, int code) {
    std::cout.flush();
    std::cerr << name << ": " << sentence << '\n';
    return code;
  };
  try {
    std::forward<Body>(body)();
    std::cout.flush();
    if (!std::cout || std::fflush(stdout) != 0) return failed("cannot write to the output.", 1);
    return 0;
  } catch (InputError const& error) {
    return failed(error.what(), InputError::exit_code);
  } catch (Error const& error) {
    return failed(error.what(), Error::exit_code);
  } catch (std::bad_alloc const&) {
    return failed("there is not enough memory.", 1);
  } catch (std::exception const& error) {
    return failed(detail::first_line(error.what()), 1);
  }
}

/// A program: its name, what it does, an example, its flags, its body.
///
///     Program program("train-mine", "Trains mine.", "train-mine --data mix.yaml --out run1");
///     program.flags().add_option("--data", data, "…")->required();
///     return program.run(argc, argv, [&] { … });
class Program {
 public:
  /// \param examples one command a line, shown by --help
  Program(std::string name, std::string const& summary, std::string const& examples)
      : flags_(summary, name), name_(std::move(name)) {
    std::string footer = "Example:\n  ";
    for (char const letter : examples) {
      footer += letter;
      if (letter == '\n') footer += "  ";
    }
    flags_.footer(footer + "\n\nExit codes: 0 done, 1 failed, 2 wrong usage or input.");
    flags_.set_version_flag("--version", name_ + " (vcflash " + std::string(version) + ")",
                            "Print the version and exit");
    flags_.get_help_ptr()->description("Print this help and exit");
    flags_.get_formatter()->column_width(32);
  }

  CLI::App& flags() { return flags_; }
  std::string const& name() const { return name_; }

  /// Parses the flags, then runs `body`.  \return the exit code of the process
  template <class Body>
  int run(int argc, char const* const* argv, Body&& body) {
    try {
      flags_.parse(argc, argv);
    } catch (CLI::Success const& asked) {
      return flags_.exit(asked);  // --help and --version
    } catch (CLI::ParseError const& error) {
      std::cerr << name_ << ": " << detail::first_line(error.what()) << " (see " << name_
                << " --help).\n";
      return InputError::exit_code;
    }
    return run_guarded(name_, std::forward<Body>(body));
  }

 private:
  CLI::App flags_;
  std::string name_;
};

}  // namespace vcflash::app
