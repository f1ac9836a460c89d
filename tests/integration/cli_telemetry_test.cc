// log, metrics and what the daemon serves over HTTP: with a daemon, after its death, and without any.
#include <array>
#include <set>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/wire/owned_fd.h"
#include "tests/integration/cli_claims_support.h"

namespace ndshare::test {
namespace {

/// Events of these kinds, oldest first.
std::vector<Json> events_of(const Json& log, const std::string& kind) {
  std::vector<Json> out;
  for (const auto& event : log)
    if (event["event"] == kind) out.push_back(event);
  return out;
}

class CliTelemetryTest : public CliClaimsTest {
 protected:
  Json log() const { return json({"log"}); }
  Json last(const std::string& kind) const {
    const auto found = events_of(log(), kind);
    return found.empty() ? Json::object() : found.back();
  }
};

TEST_F(CliTelemetryTest, TheLogTellsWhatHappenedToArrays) {
  ok({"create", "b", "--dtype", "f8", "--shape", "100"});
  EXPECT_EQ(last("create")["text"], "b");
  EXPECT_EQ(last("create")["asked_bytes"], 800);
  EXPECT_GT(last("create")["pid"], 0);
  ok({"snapshot", "b", "b@1"});
  EXPECT_EQ(last("snapshot")["text"], "b -> b@1");
  ok({"mv", "b@1", "c"});
  EXPECT_EQ(last("rename")["text"], "b@1 -> c");
  ok({"rm", "c"});
  EXPECT_EQ(last("remove")["text"], "c");
  ok({"seal", "b"});
  EXPECT_EQ(last("seal")["text"], "b");
  fails(1, {"create", "huge", "--dtype", "u1", "--shape", "99999999999"});
  EXPECT_NE(last("refuse")["text"].get<std::string>().find("99999999999"), std::string::npos);
  EXPECT_EQ(last("refuse")["error"], static_cast<int>(ErrorCode::Capacity));
  ok({"trim"});
  EXPECT_TRUE(last("trim").contains("freed_bytes"));
  const auto text = ok({"log", "--event", "create", "--lines", "1"});
  EXPECT_NE(text.find("create"), std::string::npos);
  EXPECT_NE(text.find("asked 800 B: b\n"), std::string::npos) << text;
}

TEST_F(CliTelemetryTest, TheLogTellsWhoDied) {
  Client writer(
      store_, [](Store& s) { return std::make_shared<WriteGuard>(s.open("a").write({.rows = {3, 5}})); }, false);
  ok({"kick", writer.pid(), "--kill", "--timeout", "30"});
  EXPECT_EQ(last("kick")["killed"], 1);
  EXPECT_EQ(last("torn")["text"], "a");
  EXPECT_EQ(last("torn")["first_row"], 3);
  EXPECT_EQ(last("torn")["last_row"], 5);
  EXPECT_EQ(std::to_string(last("torn")["pid"].get<int>()), writer.pid());
  const auto sweeps = events_of(log(), "sweep");
  EXPECT_TRUE(std::ranges::any_of(sweeps, [&](const Json& one) { return std::to_string(one["pid"].get<int>()) == writer.pid() && one["claims"] == 1; }));
  ok({"repair", "a", "--accept"});
  EXPECT_EQ(last("repair")["torn"], 0);
}

TEST_F(CliTelemetryTest, TheLogOutlivesTheDaemon) {
  ok({"create", "b", "--dtype", "f8", "--shape", "1"});
  const auto before = log();
  kill_daemon();
  EXPECT_EQ(log(), before) << "read without a daemon";
  ok({"start"});
  const auto after = log();
  ASSERT_GT(after.size(), before.size());
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(after[i], before[i]);
  EXPECT_EQ(last("start")["adopted"], 1);
  EXPECT_EQ(last("adopt")["arrays"], 2);
  ok({"stop", "--keep"});
  EXPECT_EQ(last("stop")["keeps_memory"], 1);
  ok({"start"});
}

TEST_F(CliTelemetryTest, FollowGoesOnUntilTheStoreEnds) {
  ScratchDir files;
  const auto path = files.file("out");
  const auto tool = program("ndshare");
  const pid_t follower = fork_child([&] {
    ::dup2(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), STDOUT_FILENO);
    ::execl(tool.c_str(), tool.c_str(), "--store", store_.name().c_str(), "--json", "log", "--follow", "--event", "create", "--event",
            "stop", nullptr);
    return 98;
  });
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(path) && std::filesystem::file_size(path) > 0; })) << "it has begun";
  ok({"create", "later", "--dtype", "f8", "--shape", "1"});
  client_.reset();
  ok({"stop", "--force"});
  EXPECT_EQ(wait_child(follower), 0);
  std::ifstream lines(path);
  std::vector<Json> seen;
  for (std::string line; std::getline(lines, line);) seen.push_back(Json::parse(line));
  ASSERT_GE(seen.size(), 3U);
  EXPECT_EQ(seen[seen.size() - 2]["text"], "later");
  EXPECT_EQ(seen.back()["event"], "stop");
  fails(3, {"log"}, "start");
  fails(3, {"metrics"}, "start");
  ok({"start"});
}

TEST_F(CliTelemetryTest, WhatIsAskedForIsChecked) {
  fails(2, {"log", "--since", "yesterday"}, "yesterday");
  fails(2, {"log", "--since", "10w"}, "10w");
  fails(2, {"log", "--event", "nothing"}, "sweep");
  fails(2, {"log", "--lines", "0"});
  fails(2, {"log", "extra"});
  fails(2, {"metrics", "extra"});
  fails(2, {"completion", "csh"}, "csh");
  fails(2, {"completion"});
  fails(2, {"help", "--man"});
  EXPECT_EQ(json({"log", "--since", "1d"}), log());
  EXPECT_EQ(json({"log", "--since", "@4000000000"}), Json::array());
  EXPECT_EQ(json({"log", "--since", "2000-01-01 10:00", "--lines", "1"}).size(), 1U);
}

// ---- metrics

/// The number behind a line's name and labels; nothing where there is no such line.
std::optional<double> value_of(const std::string& text, const std::string& series) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(series + " ")) return std::stod(line.substr(series.size() + 1));
  }
  return std::nullopt;
}

TEST_F(CliTelemetryTest, MetricsTellTheStoresState) {
  ok({"create", "b", "--dtype", "f8", "--shape", "1000"});
  ok({"seal", "b"});
  const auto view = array().view();
  auto text = ok({"metrics"});
  EXPECT_EQ(value_of(text, "ndshare_up"), 1);
  EXPECT_EQ(value_of(text, "ndshare_capacity_bytes"), 64 << 20);
  EXPECT_EQ(value_of(text, "ndshare_memory_bytes{state=\"live\"}"), 16384) << text;
  EXPECT_EQ(value_of(text, "ndshare_arrays{state=\"open\"}"), 1);
  EXPECT_EQ(value_of(text, "ndshare_arrays{state=\"sealed\"}"), 1);
  EXPECT_EQ(value_of(text, "ndshare_clients{role=\"read_write\"}"), 1);
  EXPECT_EQ(value_of(text, "ndshare_claims{mode=\"view\",state=\"granted\"}"), 1);
  EXPECT_EQ(value_of(text, "ndshare_request_seconds_bucket{request=\"Create\",le=\"+Inf\"}"), 2);
  EXPECT_EQ(value_of(text, "ndshare_request_seconds_count{request=\"Create\"}"), 2);
  const auto writes = value_of(text, "ndshare_claims_total{mode=\"write\"}").value_or(-1);
  EXPECT_GE(writes, 1);
  ok({"eval", "a[0:1] = 5"});
  const auto more = value_of(ok({"metrics"}), "ndshare_copied_bytes_total{reason=\"updated\"}").value_or(-1);
  EXPECT_GT(more, 0) << "of a client that has left";
  kill_daemon();
  text = ok({"metrics"});
  EXPECT_EQ(value_of(text, "ndshare_up"), 0);
  EXPECT_EQ(value_of(text, "ndshare_claims_total{mode=\"write\"}"), writes);
  ok({"start"});
  EXPECT_EQ(json({"metrics"})[0]["name"], "ndshare_up");
}

TEST_F(CliTelemetryTest, MetricsTellHowFarStreamsAreBehind) {
  EXPECT_EQ(value_of(ok({"metrics"}), "ndshare_streams{state=\"open\"}"), 0);
  const StreamWait soon{.timeout = std::chrono::seconds(30)};
  auto queue = client_->create_stream("in/orders", float64, {.rows = 10, .depth = 4, .max_deliveries = 1});
  for (int i = 0; i < 3; ++i) queue.loan(soon).publish();
  const auto held = queue.take(soon);
  static_cast<void>(queue.take(soon));  // not done: a dead letter
  const auto filled = queue.loan(soon);
  auto quick = client_->create_stream("feed", float64, {.rows = 1, .depth = 4, .mode = StreamMode::broadcast});
  auto slow = client_->open_stream("feed");
  quick.join(), slow.join();
  for (int i = 0; i < 2; ++i) quick.loan(soon).publish();
  quick.take(soon).done();
  quick.close();
  const auto check = [&](const std::string& text) {
    const auto of = [&](const std::string& series) { return value_of(text, "ndshare_" + series).value_or(-1); };
    EXPECT_EQ(of("streams{state=\"open\"}"), 1) << text;
    EXPECT_EQ(of("streams{state=\"closed\"}"), 1);
    EXPECT_EQ(of("stream_depth{stream=\"in/orders\",mode=\"queue\"}"), 4);
    EXPECT_EQ(of("stream_depth{stream=\"feed\",mode=\"broadcast\"}"), 4);
    for (const auto* state : {"loaned", "ready", "taken", "dead"})
      EXPECT_EQ(of("stream_batches{stream=\"in/orders\",state=\"" + std::string(state) + "\"}"), 1) << state;
    EXPECT_EQ(of("stream_batches{stream=\"in/orders\",state=\"free\"}"), 0);
    EXPECT_EQ(of("stream_batches{stream=\"feed\",state=\"ready\"}"), 2) << "the slow one awaits both";
    EXPECT_EQ(of("stream_lag{stream=\"in/orders\"}"), 1);
    EXPECT_EQ(of("stream_lag{stream=\"feed\"}"), 2) << "that of the slowest, not of the quick one";
    EXPECT_EQ(of("stream_clients{stream=\"feed\",role=\"producer\"}"), 1);
    EXPECT_EQ(of("stream_clients{stream=\"feed\",role=\"consumer\"}"), 2);
    EXPECT_EQ(of("stream_clients{stream=\"in/orders\",role=\"consumer\"}"), 1);
    EXPECT_EQ(of("stream_published_total{stream=\"in/orders\"}"), 3);
    EXPECT_EQ(of("stream_missed{stream=\"feed\"}"), 0);
  };
  check(ok({"metrics"}));
  kill_daemon();
  check(ok({"metrics"}));
  ok({"start"});
  ok({"streams", "create", "gone", "--dtype", "f8", "--shape", "1"});
  ok({"streams", "rm", "gone"});
  EXPECT_EQ(ok({"metrics"}).find("\"gone\""), std::string::npos);
}

TEST_F(CliTelemetryTest, WaitsAreCountedByTheirLength) {
  const auto held = array().write();
  fails(4, {"lock", "a", "--timeout", "0.4", "--", "true"});
  const auto text = ok({"metrics"});
  EXPECT_EQ(value_of(text, "ndshare_waits_total"), 1) << text;
  EXPECT_EQ(value_of(text, "ndshare_wait_seconds_count"), 1);
  EXPECT_EQ(value_of(text, "ndshare_wait_seconds_bucket{le=\"0.1\"}"), 0) << "it waited for longer";
  EXPECT_GT(value_of(text, "ndshare_wait_seconds_sum").value_or(0), 0.3);
}

/// Sends one request and reads to the end.
std::string http_get(const std::string& url) {
  const auto colon = url.rfind(':'), slash = url.find('/', colon);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(colon + 1, slash - colon - 1))));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const internal::OwnedFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  const std::string request = "GET " + url.substr(slash) + " HTTP/1.0\r\n\r\n";
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
  std::string out;
  std::array<char, 4096> part{};
  for (ssize_t got = 0; (got = ::recv(fd.get(), part.data(), part.size(), 0)) > 0;) out.append(part.data(), static_cast<std::size_t>(got));
  const auto body = out.find("\r\n\r\n");
  return body == std::string::npos ? out : out.substr(body + 4);
}

/// Names of the series of ndshare's own, with labels, without values.
std::set<std::string> series_of(const std::string& text) {
  std::set<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("ndshare_")) out.insert(line.substr(0, line.rfind(' ')));
  }
  return out;
}

TEST(MetricsEndpointTest, ServesWhatTheVerbPrints) {
  ScratchDir files;
  TestStore store({.log_file = files.file("log"), .metrics = "127.0.0.1:0"});
  auto client = store.connect();
  auto made = client.create("a", float64, {100});
  made.write().release();
  const auto stream = client.create_stream("s", float64, {.rows = 1, .depth = 3});
  std::ifstream log(files.file("log"));
  std::string text{std::istreambuf_iterator<char>(log), {}}, url;
  const auto at = text.find("http://127.0.0.1:");
  ASSERT_NE(at, std::string::npos) << text;
  url = text.substr(at, text.find('\n', at) - at);
  const auto page = http_get(url), printed = test::cli(store.name(), {"metrics"}).out;
  EXPECT_GT(series_of(page).size(), 50U);
  EXPECT_EQ(series_of(page), series_of(printed));
  for (const char* series : {"ndshare_up", "ndshare_capacity_bytes", "ndshare_arrays{state=\"open\"}", "ndshare_claims_total{mode=\"write\"}",
                             "ndshare_stream_batches{stream=\"s\",state=\"free\"}"})
    EXPECT_EQ(value_of(page, series), value_of(printed, series)) << series;
  EXPECT_EQ(value_of(page, "ndshare_stream_depth{stream=\"s\",mode=\"queue\"}"), 3) << page;
  // The port is taken: a typed error, and no store of the second name is left behind.
  const auto second = unique_store_name("taken");
  const auto taken = test::cli(second, {"start", "--metrics", url.substr(7, url.rfind('/') - 7)});
  EXPECT_EQ(taken.status, 1);
  EXPECT_NE(taken.err.find("in use"), std::string::npos) << taken.err;
  for (const char* bad : {"localhost", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", ":1", "a.b:1", "::1:1"}) {
    const auto refused = test::cli(second, {"start", "--metrics", bad});
    EXPECT_EQ(refused.status, 2) << bad << refused.err;
  }
  EXPECT_EQ(test::cli(second, {"start", "--metrics", "203.0.113.1:1"}).status, 1);
  EXPECT_EQ(test::cli(second, {"status"}).status, 3);
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm"))
    EXPECT_EQ(entry.path().string().find(second), std::string::npos) << entry.path();
}

}  // namespace
}  // namespace ndshare::test
