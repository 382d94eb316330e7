#include <vcflash/data/index_cache.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::data;
namespace fs = std::filesystem;

namespace {

/// Lines of annotations of more than a mebibyte; the words of each say which line it is.
std::string large_text(std::string const& word = "word") {
  std::string text;
  for (int i = 0; text.size() < (1U << 20) + 100'000; ++i) {
    std::string words;
    for (int w = 0; w < i % 50; ++w) words += " " + word;
    text += R"({"conversations": [{"from": "human", "value": ")" + words + "\"}]}\n";
  }
  return text;
}

bool from_cache(fs::path const& path) {
  media::StoredFile const file(path);
  auto const index = index_of(file, true);
  auto const made = index_rows(file, true);
  CHECK(std::vector(index.entries().begin(), index.entries().end()) == made);
  return index.from_cache();
}

/// Changes one byte and leaves the file's size and time.
void change_byte(fs::path const& path, std::streamoff at, char byte) {
  auto const time = fs::last_write_time(path);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(at).put(byte);
  fs::last_write_time(path, time);
}

}  // namespace

TEST_CASE("a hash changes with every byte, and with the length", "[unit]") {
  std::string text(100, 'a');
  auto const hash = hash_of(text);
  CHECK(hash == hash_of(std::string(100, 'a')));
  CHECK(hash != hash_of(std::string(101, 'a')));
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = 'b';
    CHECK(hash_of(changed) != hash);
  }
  test::TemporaryFolder folder;
  auto const content = [&](std::string const& bytes) {
    return content_hash(media::StoredFile(folder.write("large", bytes)));
  };
  std::string large(3 << 20, 'x');
  auto const before = content(large);
  CHECK(content(large) == before);
  large.back() = 'y';
  CHECK(content(large) != before);
}

TEST_CASE("a large file's index is kept beside it and used until the file changes", "[unit]") {
  test::TemporaryFolder folder;
  auto const path = folder.write("rows.jsonl", large_text());
  CHECK_FALSE(from_cache(path));
  CHECK(fs::exists(folder / ".rows.jsonl.vcflash-index"));
  CHECK(from_cache(path));
  fs::last_write_time(path, fs::last_write_time(path) + std::chrono::seconds(1));
  CHECK_FALSE(from_cache(path));
  CHECK(from_cache(path));
  change_byte(path, 50, ' ');  // of the first block, so that its content tells
  CHECK_FALSE(from_cache(path));
  folder.write("rows.jsonl", large_text("words"));
  CHECK_FALSE(from_cache(path));
}

TEST_CASE("a damaged cache is not used", "[unit]") {
  test::TemporaryFolder folder;
  auto const path = folder.write("rows.jsonl", large_text());
  auto const cache = folder / ".rows.jsonl.vcflash-index";
  for (std::streamoff const at : {0, 20, 40, 50, 70, 5000}) {
    CAPTURE(at);
    fs::remove(cache);
    CHECK_FALSE(from_cache(path));
    change_byte(cache, at, '\x5A');
    CHECK_FALSE(from_cache(path));
  }
  for (std::uintmax_t const size : {0, 30, 56, 1000}) {
    fs::remove(cache);
    CHECK_FALSE(from_cache(path));
    fs::resize_file(cache, size);
    CHECK_FALSE(from_cache(path));
  }
}

TEST_CASE("where the data cannot be written the user's cache folder keeps the index", "[unit]") {
  test::TemporaryFolder folder;
  auto const path = folder.write("data/rows.jsonl", large_text());
  fs::create_directory(folder / "data/.rows.jsonl.vcflash-index");  // in the way of the first place
  ::setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
  CHECK_FALSE(from_cache(path));
  CHECK(from_cache(path));
  CHECK(fs::exists(folder / "cache/vcflash/index"));
  ::unsetenv("XDG_CACHE_HOME");
}

TEST_CASE("a small file leaves no cache behind", "[unit]") {
  test::TemporaryFolder folder;
  auto const path = folder.write("rows.jsonl", "{}\n");
  CHECK_FALSE(from_cache(path));
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}
