#include <vcflash/dist/launch.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <vcflash/base/error.hpp>

#include "tests/dist/environment.hpp"

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using vcflash::InputError;
using vcflash::dist::Launch;
using vcflash::dist::local_rank;
using vcflash::dist::Place;
using vcflash::test::LauncherEnvironment;

TEST_CASE("without a launcher's variables a process is alone", "[unit]") {
  LauncherEnvironment const none{};
  auto const launch = Launch::from_environment();
  CHECK(launch.alone());
  CHECK(launch.rank == 0);
}

TEST_CASE("half a launcher's environment is refused, naming what is missing", "[unit]") {
  auto const refused = [](char const* given, std::string const& missing) {
    LauncherEnvironment const half{{given, "1"}, {"MASTER_ADDR", "a"}};
    CHECK_THROWS_MATCHES(
        Place::from_environment(), InputError,
        MessageMatches(ContainsSubstring(std::string(given) + "=1 but no " + missing + ":")));
  };
  refused("RANK", "WORLD_SIZE");
  refused("WORLD_SIZE", "RANK");
  refused("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE");
  refused("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK");
  // A whole launcher's goes before another's half.
  LauncherEnvironment const mpi{
      {"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}, {"WORLD_SIZE", "4"}};
  CHECK(Place::from_environment().alone());
}

TEST_CASE("torchrun's variables say who this is and where all meet", "[unit]") {
  LauncherEnvironment const torchrun{{"RANK", "3"},
                                     {"WORLD_SIZE", "8"},
                                     {"MASTER_ADDR", "gpu01"},
                                     {"MASTER_PORT", "29400"},
                                     {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                     {"TORCHELASTIC_RESTART_COUNT", "2"}};
  auto const launch = Launch::from_environment();
  CHECK(launch.rank == 3);
  CHECK(launch.processes == 8);
  CHECK(launch.address == "gpu01");
  CHECK(launch.port == 29400);
  CHECK(launch.served);
  CHECK(launch.attempt == "2");
}

TEST_CASE("Open MPI's processes of one machine meet there", "[unit]") {
  LauncherEnvironment const mpi{{"OMPI_COMM_WORLD_RANK", "1"},
                                {"OMPI_COMM_WORLD_SIZE", "2"},
                                {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
  auto const launch = Launch::from_environment();
  CHECK(launch.rank == 1);
  CHECK(launch.processes == 2);
  CHECK(launch.address == "127.0.0.1");
  CHECK_FALSE(launch.served);
}

TEST_CASE("Open MPI's processes of several machines must be told where", "[unit]") {
  LauncherEnvironment const mpi{{"OMPI_COMM_WORLD_RANK", "1"},
                                {"OMPI_COMM_WORLD_SIZE", "4"},
                                {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
  CHECK_THROWS_MATCHES(Launch::from_environment(), InputError,
                       MessageMatches(ContainsSubstring("MASTER_ADDR")));
}

TEST_CASE("Slurm's tasks meet at the first machine, each job at a port of its own", "[unit]") {
  auto const meeting = [](std::string const& hosts, std::string const& job) {
    LauncherEnvironment const slurm{{"SLURM_PROCID", "5"},
                                    {"SLURM_STEP_NUM_TASKS", "16"},
                                    {"SLURM_JOB_NODELIST", hosts},
                                    {"SLURM_JOB_ID", job}};
    auto const launch = Launch::from_environment();
    CHECK(launch.rank == 5);
    CHECK(launch.processes == 16);
    return launch;
  };
  CHECK(meeting("gpu[07-09,12],login", "1").address == "gpu07");
  CHECK(meeting("gpu[7,9]", "1").address == "gpu7");
  CHECK(meeting("head,gpu[07-09]", "1").address == "head");
  CHECK(meeting("single", "1").address == "single");
  CHECK(meeting("a", "123456").port != meeting("a", "123457").port);
  // Linux gives higher ones to outgoing connections.
  for (int job = 0; job < 40000; job += 997) {
    CHECK(meeting("a", std::to_string(job)).port < 32768);
  }
}

TEST_CASE("two steps of one job of Slurm's meet at different ports", "[unit]") {
  auto const port_of = [](std::string const& step) {
    LauncherEnvironment const slurm{{"SLURM_PROCID", "0"},
                                    {"SLURM_STEP_NUM_TASKS", "2"},
                                    {"SLURM_JOB_NODELIST", "a"},
                                    {"SLURM_JOB_ID", "77"},
                                    {"SLURM_STEP_ID", step}};
    return Launch::from_environment().port;
  };
  CHECK(port_of("0") != port_of("1"));
  CHECK(port_of("4294967294") < 32768);
}

TEST_CASE("one task of Slurm's is a process alone", "[unit]") {
  LauncherEnvironment const slurm{{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}};
  CHECK(Launch::from_environment().alone());
}

TEST_CASE("a batch script of Slurm's is alone, however many tasks its steps may have", "[unit]") {
  LauncherEnvironment const slurm{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}};
  CHECK(Launch::from_environment().alone());
}

TEST_CASE("numbers that cannot be are refused by name", "[unit]") {
  auto const refused = [](std::string const& rank, std::string const& size,
                          std::string const& what) {
    LauncherEnvironment const bad{{"RANK", rank}, {"WORLD_SIZE", size}, {"MASTER_ADDR", "a"}};
    CHECK_THROWS_MATCHES(Launch::from_environment(), InputError,
                         MessageMatches(ContainsSubstring(what)));
  };
  refused("2", "2", "RANK=2 is no whole number from 0 to 1");
  refused("0", "none", "WORLD_SIZE=none");
  refused("-1", "2", "RANK=-1");
}

TEST_CASE("a process knows its place on its machine from any launcher", "[unit]") {
  {
    LauncherEnvironment const none{};
    CHECK(local_rank() == 0);
  }
  for (auto const* name : {"LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"}) {
    LauncherEnvironment const launcher{{name, "3"}};
    CHECK(local_rank() == 3);
  }
  LauncherEnvironment const wrong{{"LOCAL_RANK", "-1"}};
  CHECK_THROWS_MATCHES(local_rank(), InputError,
                       MessageMatches(ContainsSubstring("LOCAL_RANK=-1")));
}
