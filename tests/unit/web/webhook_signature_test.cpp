#include "web/webhook_signature.hpp"

#include "signed_delivery.hpp"
#include "unit/tracking/property.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::secrets_of;
using test::sign;
using test::signature_header;

constexpr std::string_view key = "sample-signing-secret";
constexpr std::string_view signed_at = "1776159394";
constexpr std::string_view body = R"({"id":"evt_sample","type":"session.ended"})";
constexpr std::string_view known_signature =
    "1707c20409ea84faf1985a570408d9d04ac9116fdd402bff31baa959e16209f6";
constexpr api_time now{1'776'159'394s};
constexpr milliseconds tolerance = 5min;

signature_verdict verify(std::string_view header, std::string_view of = body) {
    return verify_signature(header, of, secrets_of({key}), now, tolerance);
}

std::string with_timestamp(std::string_view timestamp) {
    return signature_header(key, timestamp, body);
}

TEST(WebhookSignature, TheKnownVectorIsAccepted) {
    ASSERT_EQ(sign(key, signed_at, body), known_signature);
    EXPECT_EQ(verify("t=1776159394,v1=" + std::string(known_signature)), signature_verdict::good);
    EXPECT_EQ(verify("v1=" + std::string(known_signature) + ",t=1776159394"),
              signature_verdict::good);
    EXPECT_EQ(verify("t=1776159394,v1=" + std::string(known_signature), std::string(body) + "\n"),
              signature_verdict::bad);
}

TEST(WebhookSignature, BodyMayContainAnyBytes) {
    for (const std::string& text : {""s, "\0\xFF\r\n"s, std::string(65'536, 'x'), "."s}) {
        EXPECT_EQ(verify(signature_header(key, signed_at, text), text), signature_verdict::good);
    }
    // The dot belongs to the signed text: the same bytes split elsewhere are another text.
    EXPECT_EQ(verify("t=1776159394,v1=" + sign(key, "177615939", "4.x"), "x"),
              signature_verdict::bad);
}

TEST(WebhookSignature, AnyOfSeveralSignaturesIsEnough) {
    const std::string other = sign("another-secret-that-is-no-longer-used", signed_at, body);
    const std::string ours(known_signature);
    EXPECT_EQ(verify("t=1776159394,v1=" + other + ",v1=" + ours), signature_verdict::good);
    EXPECT_EQ(verify("t=1776159394,v1=" + ours + ",v1=" + other), signature_verdict::good);
    EXPECT_EQ(verify("v1=" + other + ",t=1776159394,v1=" + other + ",v1=" + ours),
              signature_verdict::good);
    EXPECT_EQ(verify("t=1776159394,v1=" + other + ",v1=" + other), signature_verdict::bad);
    // As many as eight; more than that is no rotation.
    std::string header = "t=1776159394";
    for (int i = 0; i < 7; ++i) {
        header += ",v1=" + other;
    }
    EXPECT_EQ(verify(header + ",v1=" + ours), signature_verdict::good);
    EXPECT_EQ(verify(header + ",v1=" + other + ",v1=" + ours), signature_verdict::bad);
}

TEST(WebhookSignature, AnyOfSeveralSecretsIsEnough) {
    const auto secrets = secrets_of({"", "the-secret-before-this-one", key, "the-one-to-come"});
    for (const std::string_view each : {std::string_view("the-secret-before-this-one"), key}) {
        EXPECT_EQ(verify_signature(signature_header(each, signed_at, body),
                                   body,
                                   secrets,
                                   now,
                                   tolerance),
                  signature_verdict::good);
    }
    EXPECT_EQ(verify_signature(signature_header("sample-signing-secre", signed_at, body),
                               body,
                               secrets,
                               now,
                               tolerance),
              signature_verdict::bad);
}

TEST(WebhookSignature, AnEmptySecretAcceptsNothing) {
    for (const auto& secrets : {secrets_of({""}), secrets_of({"", ""}), secrets_of({})}) {
        EXPECT_EQ(
            verify_signature(signature_header("", signed_at, body), body, secrets, now, tolerance),
            signature_verdict::bad);
        EXPECT_EQ(
            verify_signature(signature_header(key, signed_at, body), body, secrets, now, tolerance),
            signature_verdict::bad);
    }
}

TEST(WebhookSignature, BlanksAroundCommasAreIgnored) {
    const std::string ours(known_signature);
    for (const std::string& header : {"t=1776159394, v1=" + ours,
                                      " t=1776159394 ,\tv1=" + ours + " ",
                                      "v1=" + ours + ",  t=1776159394,",
                                      "t=1776159394, , v1=" + ours}) {
        EXPECT_EQ(verify(header), signature_verdict::good) << header;
    }
    // Blanks within a part belong to it.
    EXPECT_EQ(verify("t = 1776159394,v1=" + ours), signature_verdict::bad);
    EXPECT_EQ(verify("t=1776159394,v1= " + ours), signature_verdict::bad);
    EXPECT_EQ(verify("t=17761 59394,v1=" + ours), signature_verdict::bad);
}

TEST(WebhookSignature, ASignatureOfAnotherFormDoesNotSpoilAGoodOne) {
    const std::string good = "t=1776159394,v1=" + std::string(known_signature);
    for (const std::string& bad : {",v1="s,
                                   ",v1=not-hexadecimal"s,
                                   ",v1=" + std::string(63, '0'),
                                   ",v1=" + std::string(65, '0'),
                                   ",v1=" + std::string(64, 'F')}) {
        EXPECT_EQ(verify(good + bad), signature_verdict::good) << bad;
        EXPECT_EQ(verify(bad.substr(1) + "," + good), signature_verdict::good) << bad;
        EXPECT_EQ(verify("t=1776159394" + bad), signature_verdict::bad) << bad;
    }
}

TEST(WebhookSignature, OtherKeysAreIgnored) {
    const std::string good = "t=1776159394,v1=" + std::string(known_signature);
    for (const std::string& header : {good + ",v0=" + std::string(64, '0'),
                                      good + ",v2=x",
                                      good + ",scheme",
                                      "a=b," + good,
                                      good + ",",
                                      "," + good,
                                      good + ",=,=="}) {
        EXPECT_EQ(verify(header), signature_verdict::good) << header;
    }
    EXPECT_EQ(verify("t=1776159394,v0=" + std::string(known_signature)), signature_verdict::bad);
    EXPECT_EQ(verify("t=1776159394,V1=" + std::string(known_signature)), signature_verdict::bad);
}

TEST(WebhookSignature, RepeatedTimestampIsRejected) {
    const std::string ours = ",v1=" + std::string(known_signature);
    for (const char* times : {"t=1776159394,t=1776159394",
                              "t=1776159394,t=1",
                              "t=1,t=1776159394",
                              "t=,t=1776159394",
                              "t=1776159394,t="}) {
        EXPECT_EQ(verify(times + ours), signature_verdict::bad) << times;
        EXPECT_EQ(verify(ours.substr(1) + "," + times), signature_verdict::bad) << times;
    }
}

TEST(WebhookSignature, MalformedHeaderIsRejected) {
    const std::string ours(known_signature);
    std::string upper = ours;
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) {
        return static_cast<char>(std::toupper(c));
    });
    for (const std::string& header : {""s,
                                      ","s,
                                      "t"s,
                                      "v1"s,
                                      ours,
                                      "t=1776159394"s,
                                      "v1=" + ours,
                                      "t=,v1=" + ours,
                                      "t=1776159394,v1="s,
                                      "t=1776159394,v1=" + upper,
                                      "t=1776159394,v1=" + ours.substr(1),
                                      "t=1776159394,v1=" + ours.substr(2),
                                      "t=1776159394,v1=" + ours + "0",
                                      "t=1776159394,v1=" + ours + "00",
                                      "t=1776159394,v1=" + ours + ours,
                                      "t=1776159394,v1=0x" + ours.substr(2),
                                      "t=1776159394,v1=" + ours.substr(0, 63) + "g",
                                      "t=1776159394,v1=" + ours.substr(0, 63) + "\0"s,
                                      "t=1776159394,v1= " + ours,
                                      "t=1776159394;v1=" + ours,
                                      "t=1776159394 v1=" + ours,
                                      "t:1776159394,v1:" + ours,
                                      std::string(16'000, ','),
                                      std::string(16'000, 't')}) {
        EXPECT_EQ(verify(header), signature_verdict::bad) << header;
    }
}

TEST(WebhookSignature, InvalidTimestampIsRejectedEvenIfSigned) {
    for (const char* odd : {"-1",
                            "+1776159394",
                            " 1776159394",
                            "1776159394 ",
                            "1776159394.0",
                            "1776159394s",
                            "0x69DE0BA2",
                            "1e9",
                            "253402300800",
                            "9223372036854775808",
                            "99999999999999999999999999",
                            "now",
                            "\xD9\xA1"}) {
        EXPECT_EQ(verify(with_timestamp(odd)), signature_verdict::bad) << odd;
    }
    // As received: zeros in front are part of what was signed.
    EXPECT_EQ(verify(with_timestamp("001776159394")), signature_verdict::good);
    EXPECT_EQ(verify("t=001776159394,v1=" + std::string(known_signature)), signature_verdict::bad);
}

TEST(WebhookSignature, ToleranceIsExactInBothDirections) {
    const std::string header = with_timestamp(signed_at);
    const auto at = [&](milliseconds later, milliseconds tolerated) {
        return verify_signature(header, body, secrets_of({key}), now + later, tolerated);
    };
    for (const milliseconds tolerated : {milliseconds(0), milliseconds(1), tolerance}) {
        EXPECT_EQ(at(tolerated, tolerated), signature_verdict::good);
        EXPECT_EQ(at(-tolerated, tolerated), signature_verdict::good);
        EXPECT_EQ(at(tolerated + 1ms, tolerated), signature_verdict::untimely);
        EXPECT_EQ(at(-tolerated - 1ms, tolerated), signature_verdict::untimely);
    }
    EXPECT_EQ(verify(with_timestamp("0")), signature_verdict::untimely);
    EXPECT_EQ(verify(with_timestamp("253402300799")), signature_verdict::untimely);
    // What is not signed is bad, however late it is.
    EXPECT_EQ(verify_signature("t=0,v1=" + std::string(known_signature),
                               body,
                               secrets_of({key}),
                               now,
                               tolerance),
              signature_verdict::bad);
}

/// One delivery that was not signed: something of a good one is different.
struct forgery {
    std::string header;
    std::string body;
};

std::string changed(std::string text, test::chance& chance, std::string_view never) {
    const std::string before = text;
    while (text == before) {
        for (std::size_t changes = 1 + chance.below(3); changes > 0 && !text.empty(); --changes) {
            const std::size_t at = chance.below(text.size());
            const auto byte = static_cast<char>(chance.below(256));
            switch (chance.below(4)) {
                case 0:
                    text[at] = static_cast<char>(text[at] ^ (1 << chance.below(8)));
                    break;
                case 1:
                    text[at] = byte;
                    break;
                case 2:
                    text.erase(at, 1 + chance.below(8));
                    break;
                default:
                    // An added comma makes an empty field, and blanks may be around it: that is no forgery.
                    if (never.find(byte) == std::string_view::npos) {
                        text.insert(at, 1, byte);
                    }
                    break;
            }
        }
    }
    return text;
}

forgery forge(test::chance& chance) {
    constexpr std::string_view digits = "0123456789abcdef";
    const std::string good = "t=1776159394,v1=" + std::string(known_signature);
    forgery made{good, std::string(body)};
    switch (chance.below(5)) {
        case 0: // another digit somewhere in the signature
            for (std::size_t at = 16 + chance.below(64); made.header == good;) {
                made.header[at] = digits[chance.below(16)];
            }
            break;
        case 1: // another signature altogether, beside others like it
            made.header = "t=1776159394";
            for (std::size_t count = 1 + chance.below(3); count > 0; --count) {
                made.header += ",v1=";
                for (int i = 0; i < 64; ++i) {
                    made.header += digits[chance.below(16)];
                }
            }
            break;
        case 2: // another time, still within the tolerance
            for (std::size_t at = 9 + chance.below(3); made.header == good;) {
                made.header[at] = digits[chance.below(10)];
            }
            break;
        case 3:
            made.header = changed(good, chance, ", \t");
            break;
        default:
            made.body = changed(made.body, chance, "");
            break;
    }
    return made;
}

TEST(WebhookSignature, AMillionForgeriesAreRejected) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    RecordProperty("seed", std::to_string(chance.seed()));
    const auto secrets = secrets_of({key});
    ASSERT_EQ(verify_signature("t=1776159394,v1=" + std::string(known_signature),
                               body,
                               secrets,
                               now,
                               tolerance),
              signature_verdict::good);
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < test::rounds(1'000'000); ++i) {
        const forgery made = forge(chance);
        if (verify_signature(made.header, made.body, secrets, now, tolerance)
            != signature_verdict::bad) {
            ++accepted;
            ADD_FAILURE() << made.header << '\n' << made.body;
            ASSERT_LT(accepted, 10U);
        }
    }
    EXPECT_EQ(accepted, 0U);
}

TEST(WebhookSignature, ValidSignatureOfAnyTextIsAccepted) {
    // The other half of the forgeries: what refuses everything would pass them.
    test::chance chance;
    SCOPED_TRACE(chance.told());
    for (std::size_t i = 0; i < test::rounds(20'000); ++i) {
        std::string text(chance.below(300), '\0');
        std::ranges::generate(text, [&] { return static_cast<char>(chance.below(256)); });
        std::string secret_text(1 + chance.below(100), '\0');
        std::ranges::generate(secret_text, [&] { return static_cast<char>(chance.below(256)); });
        const std::string time = std::to_string(1'776'159'394 - 300 + chance.below(601));
        ASSERT_EQ(verify_signature(signature_header(secret_text, time, text),
                                   text,
                                   secrets_of({"another", secret_text}),
                                   now,
                                   tolerance),
                  signature_verdict::good);
    }
}

} // namespace
} // namespace kallglot
