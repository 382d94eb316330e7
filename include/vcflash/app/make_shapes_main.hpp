#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <vcflash/app/program.hpp>
#include <vcflash/data/shapes/write.hpp>

namespace vcflash::app {

/// The program `make-shapes`.
inline int make_shapes_main(int argc, char const* const* argv) {
  Program program("make-shapes",
                  "Writes the shapes task: short H.264 clips of moving shapes, conversations about "
                  "them, the mixtures of four training stages, and held-out questions.",
                  "make-shapes --out demo-out/data --seed 1 --clips 4000");
  data::shapes::WriteOptions options;
  auto& flags = program.flags();
  flags.add_option("--out", options.out, "Folder to write to")->type_name("DIR")->required();
  flags.add_option("--seed", options.seed, "What is drawn depends on it alone")
      ->type_name("N")
      ->capture_default_str();
  flags
      .add_option("--clips", options.clips,
                  "Training clips, each written as films of 4, 8 and 16 s as the stages need "
                  "them; the rows grow with them")
      ->type_name("N")
      ->capture_default_str();
  flags
      .add_option("--held-out", options.held_out,
                  "Clips of the benchmark, each asked several questions")
      ->type_name("N")
      ->capture_default_str();
  return program.run(argc, argv, [&] {
    auto const written = data::shapes::write(options);
    fmt::print(
        "{}: {} training clips in {} films of 4, 8 and 16 s, {} training rows about them; "
        "{} held-out clips, {} questions about them; {} tokens\n",
        options.out.string(), options.clips, written.clips - options.held_out, written.rows,
        options.held_out, written.questions, written.vocabulary);
  });
}

}  // namespace vcflash::app
