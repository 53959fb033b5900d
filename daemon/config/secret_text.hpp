/// Judges the text of a secret: what cannot work, and what is probably a mistake that no screen shows.
///
/// A secret that is copied through editors, chats and templates gets things around or inside it that are invisible. Then
/// every use fails, far from the cause. Pure; no message repeats any part of the secret. Private to this room.

#ifndef KALLGLOT_CONFIG_SECRET_TEXT_HPP
#define KALLGLOT_CONFIG_SECRET_TEXT_HPP

#include "kallglot/config/secrets.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kallglot::config {

/// Why the text cannot be a secret for this use, for example `has more than one line`; empty if it can. It follows the name of
/// the file.
[[nodiscard]] std::string fault_of_secret(std::string_view text, secret_use use);

/// What is probably a mistake in a text without a fault, for example `is in quotes`.
[[nodiscard]] std::vector<std::string> warnings_of_secret(std::string_view text, secret_use use);

} // namespace kallglot::config

#endif
