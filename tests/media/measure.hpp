#pragma once

extern "C" {
#include <libavutil/mem.h>
#include <libavutil/sha.h>
}

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include <vcflash/media/frames.hpp>

/// What the reference data records of pictures.
namespace vcflash::test {

/// The SHA-256 of bytes in hexadecimal.
inline std::string sha256(std::span<std::uint8_t const> bytes) {
  AVSHA* const state = av_sha_alloc();
  av_sha_init(state, 256);
  av_sha_update(state, bytes.data(), bytes.size());
  std::array<std::uint8_t, 32> digest{};
  av_sha_final(state, digest.data());
  av_free(state);
  std::string text;
  for (auto const byte : digest) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", byte);
    text += two;
  }
  return text;
}

/// The mean colour of each of 8 x 8 blocks, row by row; a picture smaller than that has blocks of
/// at least one pixel.
inline std::vector<std::array<double, 3>> block_means(std::span<std::uint8_t const> rgb, int height,
                                                      int width) {
  std::vector<std::array<double, 3>> means;
  auto const edge = [](int block, int length) { return block * length / 8; };
  for (int by = 0; by < 8; ++by) {
    int const top = edge(by, height), bottom = std::max(edge(by + 1, height), top + 1);
    for (int bx = 0; bx < 8; ++bx) {
      int const left = edge(bx, width), right = std::max(edge(bx + 1, width), left + 1);
      std::array<double, 3> sum{};
      for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) {
          for (std::size_t c = 0; c < 3; ++c) {
            sum[c] += rgb[(std::size_t(y) * std::size_t(width) + std::size_t(x)) * 3 + c];
          }
        }
      }
      for (auto& channel : sum) channel /= double(bottom - top) * double(right - left);
      means.push_back(sum);
    }
  }
  return means;
}

/// The largest difference between block means and recorded ones.
inline double farthest(std::vector<std::array<double, 3>> const& means,
                       nlohmann::json const& recorded) {
  if (recorded.size() != means.size()) return 256;
  double most = 0;
  for (std::size_t b = 0; b < means.size(); ++b) {
    for (std::size_t c = 0; c < 3; ++c) {
      most = std::max(most, std::abs(means[b][c] - recorded[b][c].get<double>()));
    }
  }
  return most;
}

/// The number that the 12 black and white blocks along the bottom of a golden clip's frame spell.
inline int strip_code(std::span<std::uint8_t const> rgb, int height, int width) {
  int code = 0;
  for (int bit = 0; bit < 12; ++bit) {
    auto const column = std::size_t(bit * (width / 12) + width / 24);
    std::size_t const pixel = (std::size_t(height - 3) * std::size_t(width) + column) * 3;
    code = code * 2 + (rgb[pixel] + rgb[pixel + 1] + rgb[pixel + 2] > 3 * 128 ? 1 : 0);
  }
  return code;
}

inline std::vector<std::uint8_t> file_bytes(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace vcflash::test
