#pragma once

#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/meta/separate.hpp>

namespace CLI {
class App;
}

/// What every program does alike: flags with a help that teaches, errors as one sentence, exit
/// codes 0 done, 1 failed, 2 wrong usage or input.
namespace vcflash::app {

inline constexpr std::string_view version = "0.1.0";

/// The flag that says where a model runs.
/// \param device holds the default
void add_device(CLI::App& flags, std::string& device);

/// The flag `--allow-missing` of programs that read a checkpoint.
void add_allow_missing(CLI::App& flags, std::vector<std::string>& patterns);

/// Runs `body`, which may give an exit code, and turns what it throws into one sentence on stderr
/// and an exit code.
template <class Body>
int run_guarded(std::string_view name, Body&& body) {
  auto const failed = [&](std::string_view sentence, int code) {
    std::cout.flush();
    std::cerr << name << ": " << sentence << '\n';
    return code;
  };
  try {
    int code = 0;
    if constexpr (std::is_void_v<std::invoke_result_t<Body>>) {
      std::forward<Body>(body)();
    } else {
      code = std::forward<Body>(body)();
    }
    std::cout.flush();
    if (!std::cout || std::fflush(stdout) != 0) return failed("cannot write to the output.", 1);
    return code;
  } catch (InputError const& error) {
    return failed(error.what(), InputError::exit_code);
  } catch (Error const& error) {
    return failed(error.what(), Error::exit_code);
  } catch (std::bad_alloc const&) {
    return failed("there is not enough memory.", 1);
  } catch (std::exception const& error) {
    return failed(first_line(error.what()), 1);
  }
}

/// A program: its name, what it does, an example, its flags, its body. Flags are CLI11's, whose
/// header is for those who add some.
///
///     Program program("train-mine", "Trains mine.", "train-mine --data mix.yaml --out run1");
///     program.flags().add_option("--data", data, "…")->required();
///     return program.run(argc, argv, [&] { … });
class Program {
 public:
  /// \param examples one command a line, shown by --help
  Program(std::string name, std::string const& summary, std::string const& examples);
  ~Program();

  CLI::App& flags() { return *flags_; }
  std::string const& name() const { return name_; }

  /// Parses the flags, then runs `body`.  \return the exit code of the process
  template <class Body>
  int run(int argc, char const* const* argv, Body&& body) {
    if (auto const code = parse(argc, argv)) return *code;
    return run_guarded(name_, std::forward<Body>(body));
  }

 private:
  /// \return the exit code of a program that ends here: after --help, or flags it does not know
  std::optional<int> parse(int argc, char const* const* argv);

  std::unique_ptr<CLI::App> flags_;
  std::string name_;
};

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/program.ipp>
#endif
