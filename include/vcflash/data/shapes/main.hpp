#pragma once

#include <cstdio>
#include <exception>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <vcflash/data/shapes/write.hpp>
#include <vcflash/meta/error.hpp>

namespace vcflash::data::shapes {

/// The program make-shapes. \return 0 done, 1 failed, 2 wrong usage or input
inline int main(int argc, char** argv) {
  CLI::App program{
      "Writes the shapes task: short H.264 clips of moving shapes, conversations about "
      "them, the mixtures of four training stages, and held-out questions."};
  program.footer("Example:\n  make-shapes --out demo-out/data --seed 1 --clips 4000");
  program.set_version_flag("--version", "make-shapes 0.1.0");
  WriteOptions options;
  program.add_option("--out", options.out, "folder to write to")->required();
  program.add_option("--seed", options.seed, "what is drawn depends on it alone")
      ->capture_default_str();
  program.add_option("--clips", options.clips, "training clips; the rows grow with them")
      ->capture_default_str();
  program.add_option("--held-out", options.held_out, "clips of the benchmark")
      ->capture_default_str();
  try {
    program.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    return program.exit(error) == 0 ? 0 : InputError::exit_code;
  }
  try {
    Written const written = write(options);
    fmt::print("{}: {} clips, {} training rows, {} held-out questions, {} tokens\n",
               options.out.string(), written.clips, written.rows, written.questions,
               written.vocabulary);
    return 0;
  } catch (InputError const& error) {
    fmt::print(stderr, "make-shapes: {}\n", error.what());
    return InputError::exit_code;
  } catch (std::exception const& error) {
    fmt::print(stderr, "make-shapes: {}\n", error.what());
    return Error::exit_code;
  }
}

}  // namespace vcflash::data::shapes
