// The daemon and the libraries call the project's OPENSSL_cleanse.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <string>

namespace kallglot {
namespace {

std::string file_of(const void* address) {
    Dl_info found{};
    return ::dladdr(address, &found) != 0 ? found.dli_fname : "nowhere";
}

TEST(OpensslCleanse, LibrariesFindOurDefinition) {
    // The definition that libssl gets: the first in the order of loading.
    void* const found = ::dlsym(RTLD_DEFAULT, "OPENSSL_cleanse");
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found, reinterpret_cast<void*>(&::OPENSSL_cleanse));
    EXPECT_EQ(file_of(found), file_of(reinterpret_cast<void*>(&file_of)));
    // There must be a second definition, or this test would prove nothing.
    EXPECT_NE(file_of(reinterpret_cast<void*>(&::SSL_new)), file_of(found));
    void* const library = ::dlopen("libcrypto.so.3", RTLD_NOW | RTLD_NOLOAD);
    ASSERT_NE(library, nullptr);
    EXPECT_NE(::dlsym(library, "OPENSSL_cleanse"), found);
    ::dlclose(library);
}

TEST(OpensslCleanse, WipesTheMemoryAndNothingBehindIt) {
    std::array<unsigned char, 4097> memory;
    memory.fill(0xA5);
    ::OPENSSL_cleanse(memory.data(), memory.size() - 1);
    EXPECT_TRUE(std::all_of(memory.begin(), memory.end() - 1, [](auto byte) { return byte == 0; }));
    EXPECT_EQ(memory.back(), 0xA5);
    ::OPENSSL_cleanse(nullptr, 0);
}

} // namespace
} // namespace kallglot
