#include "kallglot/base/keyed_hash.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>

namespace kallglot::test {
namespace {

/// SipHash by OpenSSL, as bytes.
std::string by_openssl(const std::array<unsigned char, 16>& key,
                       const std::string& text,
                       std::size_t size,
                       unsigned c_rounds,
                       unsigned d_rounds) {
    const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(
        EVP_MAC_fetch(nullptr, "SIPHASH", nullptr),
        &EVP_MAC_free);
    const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(
        EVP_MAC_CTX_new(mac.get()),
        &EVP_MAC_CTX_free);
    const std::array parameters = {
        OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
        OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &c_rounds),
        OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &d_rounds),
        OSSL_PARAM_construct_end(),
    };
    EXPECT_EQ(EVP_MAC_init(context.get(), key.data(), key.size(), parameters.data()), 1);
    EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
    std::string out(size, '\0');
    std::size_t written = 0;
    EXPECT_EQ(EVP_MAC_final(context.get(),
                            reinterpret_cast<unsigned char*>(out.data()),
                            &written,
                            out.size()),
              1);
    return out;
}

std::uint64_t word_at(const std::string& bytes, std::size_t at) {
    std::uint64_t word = 0;
    for (std::size_t i = 8; i > 0; --i) {
        word = (word << 8) | static_cast<unsigned char>(bytes[at + i - 1]);
    }
    return word;
}

constexpr hash_key key_of_the_paper{0x0706'0504'0302'0100ULL, 0x0F0E'0D0C'0B0A'0908ULL};

std::array<unsigned char, 16> bytes_of_the_paper() {
    std::array<unsigned char, 16> bytes{};
    for (unsigned char i = 0; i < bytes.size(); ++i) {
        bytes[i] = i;
    }
    return bytes;
}

// Source: the reference code's vectors: the key is 00 01 .. 0f, the text 00 01 .. of a growing length.
TEST(KeyedHash, AgreesWithTheReferenceVectorOf128Bits) {
    // Tag and text are one text of 15 bytes.
    const std::string text("\x08\x09\x0A\x0B\x0C\x0D\x0E");
    const text_hash hash = hash_of_text(key_of_the_paper, 0x0706'0504'0302'0100ULL, text);
    EXPECT_EQ(hash.low, 0x11A8'B033'99E9'9354ULL);
    EXPECT_EQ(hash.high, 0xD9C3'CF97'0FEC'087EULL);
}

TEST(KeyedHash, AgreesWithOpensslForEveryLength) {
    std::string text;
    for (int length = 0; length < 140; ++length) {
        const std::string of_table = by_openssl(bytes_of_the_paper(), text, 8, 1, 3);
        EXPECT_EQ(table_hash(key_of_the_paper, text), word_at(of_table, 0)) << length;
        const std::string of_text =
            by_openssl(bytes_of_the_paper(),
                       std::string("\xEF\xCD\xAB\x89\x67\x45\x23\x01") + text,
                       16,
                       2,
                       4);
        const text_hash hash = hash_of_text(key_of_the_paper, 0x0123'4567'89AB'CDEFULL, text);
        EXPECT_EQ(hash.low, word_at(of_text, 0)) << length;
        EXPECT_EQ(hash.high, word_at(of_text, 8)) << length;
        text += static_cast<char>(length * 37);
    }
}

TEST(KeyedHash, DependsOnTheKeyAndTheTag) {
    const std::string_view text = "sess_7Yb3nQ4kTz9VxL2mW8cR5dJpQ0aB6sHf";
    const hash_key key = random_hash_key();
    EXPECT_NE(key, random_hash_key());
    EXPECT_NE(table_hash(key, text), table_hash(key_of_the_paper, text));
    EXPECT_NE(hash_of_text(key, 1, text), hash_of_text(key, 2, text));
    EXPECT_NE(hash_of_text(key, 1, text), hash_of_text(key_of_the_paper, 1, text));
    EXPECT_EQ(hash_of_text(key, 1, text), hash_of_text(key, 1, text));
}

} // namespace
} // namespace kallglot::test
