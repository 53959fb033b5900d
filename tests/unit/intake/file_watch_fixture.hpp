/// A folder, a watch on it, and what it reported; time moves only when the test moves it.

#ifndef KALLGLOT_TESTS_UNIT_INTAKE_FILE_WATCH_FIXTURE_HPP
#define KALLGLOT_TESTS_UNIT_INTAKE_FILE_WATCH_FIXTURE_HPP

#include "kallglot/intake/file_watch.hpp"
#include "support/inline_worker.hpp"
#include "support/kept_log.hpp"
#include "support/loop.hpp"
#include "support/temporary_folder.hpp"
#include "support/virtual_clock.hpp"

#include <boost/asio/post.hpp>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kallglot::test {

using namespace std::chrono_literals;

class FileWatchFixture : public testing::Test, public file_watch_listener {
public:
    ~FileWatchFixture() override { stop(); }

    bool wants_all_again() override { return std::exchange(wants_all_again_, false); }

    void on_added(std::span<const session_id> ids) override {
        EXPECT_FALSE(ids.empty());
        EXPECT_LE(ids.size(), 4096u);
        for (const session_id& id : ids) {
            added_.emplace_back(id.view());
            names_.emplace(hash_of(id.view()), id.view());
        }
        ++batches_;
    }

    void on_removed(const std::vector<std::uint64_t>& hashes) override {
        EXPECT_FALSE(hashes.empty());
        for (const std::uint64_t hash : hashes) {
            removed_.push_back(names_.contains(hash) ? names_[hash] : "?");
        }
    }

    void on_bad_lines(std::uint64_t count) override { bad_lines_ += count; }

protected:
    using names = std::vector<std::string>;

    void start(const std::string& pattern) { start(names{pattern}); }

    void start(const names& patterns) {
        watch_.start(paths(patterns));
        loop_.poll();
    }

    void use(const names& patterns) {
        watch_.use_globs(paths(patterns));
        loop_.poll();
    }

    void stop() {
        if (!std::exchange(stopped_, true)) {
            watch_.stop();
            EXPECT_TRUE(loop_.run(watch_.join()));
        }
    }

    /// Lets `span` pass in steps, and all that comes of each.
    void pass(steady_duration span) {
        constexpr steady_duration step = 50ms;
        for (; span > 0s; span -= step) {
            loop_.poll();
            clock_.advance(std::min(span, step));
            loop_.poll();
        }
    }

    /// Long enough for a change to be read, and far from the 30 s.
    void settle() { pass(400ms); }

    [[nodiscard]] std::string path(const std::string& name) const {
        return (folder_.path() / name).string();
    }

    void write(const std::string& name, std::string_view text) {
        static_cast<void>(folder_.file(name, text));
    }

    void append(const std::string& name, std::string_view text) {
        std::ofstream(path(name), std::ios::binary | std::ios::app) << text;
    }

    /// Changes bytes without truncating.
    void overwrite(const std::string& name, std::streamoff at, std::string_view text) {
        std::fstream file(path(name), std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(at);
        file << text;
    }

    /// As careful writers do: a new file, renamed over the old one.
    void replace(const std::string& name, std::string_view text) {
        write(".new", text);
        std::filesystem::rename(path(".new"), path(name));
    }

    /// Until the system's stamps would show another change to the file: they have a grain.
    void let_stamps_age(const std::string& name) {
        struct stat status{};
        ASSERT_EQ(::stat(path(name).c_str(), &status), 0);
        EXPECT_TRUE(loop_.run_until([&] {
            asio::post(loop_.executor(), [] {});
            timespec now{};
            ::clock_gettime(CLOCK_REALTIME, &now);
            return (now.tv_sec - status.st_ctim.tv_sec) * 1000
                       + (now.tv_nsec - status.st_ctim.tv_nsec) / 1'000'000
                   > 25;
        }));
    }

    [[nodiscard]] names take_added() { return sorted(std::exchange(added_, {})); }

    [[nodiscard]] names take_removed() { return sorted(std::exchange(removed_, {})); }

    [[nodiscard]] names take_log() { return log_.take(); }

    temporary_folder folder_;
    virtual_clock clock_;
    kept_log log_;
    loop loop_;
    names added_;
    names removed_;
    bool wants_all_again_ = false;
    std::size_t batches_ = 0; ///< calls of on_added()
    std::map<std::uint64_t, std::string> names_;
    std::uint64_t bad_lines_ = 0;
    inline_worker worker_{loop_.executor()};
    file_watch watch_{loop_.executor(), clock_, worker_, log_, *this};

private:
    [[nodiscard]] names paths(const names& patterns) const {
        names all;
        for (const std::string& pattern : patterns) {
            all.push_back(path(pattern));
        }
        return all;
    }

    static names sorted(names all) {
        std::ranges::sort(all);
        return all;
    }

    bool stopped_ = false;
};

} // namespace kallglot::test

#endif
