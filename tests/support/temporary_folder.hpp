// A temporary folder that the destructor removes.

#ifndef KALLGLOT_TEST_SUPPORT_TEMPORARY_FOLDER_HPP
#define KALLGLOT_TEST_SUPPORT_TEMPORARY_FOLDER_HPP

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace kallglot::test {

class temporary_folder {
public:
    temporary_folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "kallglot-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) {
            throw std::runtime_error("cannot make " + pattern);
        }
        path_ = pattern;
    }

    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    /// Writes a file and returns its path.
    [[nodiscard]] std::string file(std::string_view name, std::string_view text) const {
        const std::filesystem::path where = path_ / name;
        std::ofstream(where, std::ios::binary) << text;
        return where.string();
    }

private:
    std::filesystem::path path_;
};

} // namespace kallglot::test

#endif
