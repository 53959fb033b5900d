// Three stages: check the bytes of every line, let yaml-cpp parse and send events, build a tree from the events.
//
// The byte check comes first because yaml-cpp stops silently at some control characters, and because tabs and encodings
// deserve better messages than the parser has. Its messages are translated where they would not help an operator.

#include "config/yaml_tree.hpp"

#include "kallglot/base/text.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>
#include <utility>

namespace kallglot::config {

namespace {

// A configuration needs 3 levels; without a bound the recursion of yaml-cpp could exhaust the stack.
constexpr std::size_t max_depth = 16;
// More faulty lines are only counted: such a file is not a text at all.
constexpr std::size_t max_faults = 20;

// yaml-cpp counts lines from 0, and -1 means none.
std::size_t line_of(const YAML::Mark& mark) {
    return mark.line < 0 ? 0 : static_cast<std::size_t>(mark.line) + 1;
}

// C0 and C1 controls and DEL.
constexpr bool is_control(char32_t code) {
    return code < 0x20 || (code >= 0x7F && code <= 0x9F);
}

// Whether a scalar contains control characters: escapes in double quotes and blocks of lines can produce them.
bool has_control(std::string_view text, yaml_texts allowed) {
    while (!text.empty()) {
        const utf8_character character = decode_utf8(text);
        const bool line_break = character.code == '\n' && allowed == yaml_texts::with_line_breaks;
        if (character.length == 0 || (is_control(character.code) && !line_break)) {
            return true;
        }
        text.remove_prefix(character.length);
    }
    return false;
}

// Most operators with this error meant a text: a glob, or a password.
constexpr const char* no_aliases =
    "aliases (*) are not supported: put a text that begins with * in quotes, for example "
    "\"*.txt\"";
constexpr const char* no_anchors =
    "anchors (&) are not supported: put a text that begins with & in quotes";
constexpr const char* no_tags =
    "tags (!) are not supported: put a text that begins with ! in quotes";

// Thrown through yaml-cpp to stop the parser at the first fault of the grammar; caught in parse_yaml.
struct refused {
    yaml_fault fault;
};

// Builds the tree from yaml-cpp's events.
class tree_builder final : public YAML::EventHandler {
public:
    explicit tree_builder(yaml_texts allowed) : allowed_(allowed) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        // Which of two documents counts would be a guess.
        if (++documents_ > 1) {
            throw refused{{line_of(mark), "a second YAML document: only one is allowed"}};
        }
    }

    // The tree is complete when the root closes; the end of the document adds nothing.
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(make(yaml_node::kind_type::null, mark, anchor));
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        throw refused{{line_of(mark), no_aliases}};
    }

    void OnScalar(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  const std::string& value) override {
        check_tag(mark, tag);
        // Certificates have line breaks; keys never do, in either mode.
        if (has_control(value, expects_key() ? yaml_texts::on_one_line : allowed_)) {
            throw refused{{line_of(mark), "a line break or control character in a string"}};
        }
        // Quotes matter: "5" in quotes is a string where a number is expected.
        yaml_node node = make(yaml_node::kind_type::scalar, mark, anchor);
        node.text = value;
        // yaml-cpp gives this tag to every scalar that is not plain.
        node.quoted = tag == "!";
        add(std::move(node));
    }

    void OnSequenceStart(const YAML::Mark& mark,
                         const std::string& tag,
                         YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        check_tag(mark, tag);
        open(make(yaml_node::kind_type::sequence, mark, anchor));
    }

    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark,
                    const std::string& tag,
                    YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        check_tag(mark, tag);
        open(make(yaml_node::kind_type::map, mark, anchor));
    }

    // A closed container is a value of the one around it.
    void OnMapEnd() override { close(); }

    [[nodiscard]] yaml_node take_root() { return std::move(root_); }

private:
    // An open container; for a map also the key that waits for its value.
    struct level {
        yaml_node node;
        yaml_node key;
        bool has_key = false;
    };

    // A node without content, with its line.
    static yaml_node make(yaml_node::kind_type kind,
                          const YAML::Mark& mark,
                          YAML::anchor_t anchor) {
        // Aliases allow exponential expansion (the "billion laughs"), and a configuration needs none.
        if (anchor != 0) {
            throw refused{{line_of(mark), no_anchors}};
        }
        yaml_node node;
        node.kind = kind;
        node.line = line_of(mark);
        return node;
    }

    // yaml-cpp reports "?" for a plain and "!" for a quoted scalar; any other tag is in the file.
    static void check_tag(const YAML::Mark& mark, const std::string& tag) {
        if (!tag.empty() && tag != "?" && tag != "!") {
            throw refused{{line_of(mark), no_tags}};
        }
    }

    // Whether the next node is a key: the innermost container is a map without a waiting key.
    [[nodiscard]] bool expects_key() const {
        return !open_.empty() && open_.back().node.kind == yaml_node::kind_type::map
               && !open_.back().has_key;
    }

    // Begins a container; the nodes that follow belong to it until close().
    void open(yaml_node node) {
        if (open_.size() == max_depth) {
            throw refused{{node.line, "nesting exceeds 16 levels"}};
        }
        open_.push_back(level{std::move(node), {}, false});
    }

    void close() {
        yaml_node done = std::move(open_.back().node);
        open_.pop_back();
        add(std::move(done));
    }

    // Puts a complete node into the innermost container, or makes it the root.
    void add(yaml_node node) {
        if (open_.empty()) {
            // A file without content has one null node.
            root_ = std::move(node);
            return;
        }
        level& parent = open_.back();
        if (parent.node.kind == yaml_node::kind_type::sequence) {
            parent.node.items.push_back(std::move(node));
        } else if (expects_key()) {
            parent.key = std::move(node);
            parent.has_key = true;
        } else {
            // yaml-cpp gives a missing value the line of the next token, often some lines below.
            if (node.kind == yaml_node::kind_type::null) {
                node.line = parent.key.line;
            }
            parent.node.entries.push_back(yaml_entry{std::move(parent.key), std::move(node)});
            parent.key = {};
            parent.has_key = false;
        }
    }

    std::vector<level> open_;
    yaml_node root_;
    yaml_texts allowed_;
    int documents_ = 0;
};

// The fault of the bytes of one line; nullptr if they are valid.
const char* fault_of_line(std::string_view line) {
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    // A line of blanks alone is harmless, so a tab in it is no fault.
    const auto indentation = line.substr(0, line.find_first_not_of(" \t"));
    if (indentation.size() < line.size() && indentation.find('\t') != std::string_view::npos) {
        return "a tab in the indentation: YAML allows only spaces";
    }
    // Character by character: an invalid byte can hide in a comment too.
    while (!line.empty()) {
        const utf8_character character = decode_utf8(line);
        if (character.length == 0) {
            return "contains bytes that are not UTF-8: save the file as UTF-8";
        }
        // yaml-cpp takes byte 4 for the end of the text and would silently ignore the rest.
        if (is_control(character.code) && character.code != '\t') {
            return "contains a control character";
        }
        line.remove_prefix(character.length);
    }
    return nullptr;
}

// Checks all lines, so that an operator sees every one of them in one run.
std::vector<yaml_fault> check_bytes(std::string_view text) {
    std::vector<yaml_fault> faults;
    std::size_t number = 0;
    std::size_t more = 0;
    while (!text.empty()) {
        ++number;
        // The last line may have no line end.
        const auto end = std::min(text.find('\n'), text.size());
        if (const char* fault = fault_of_line(text.substr(0, end))) {
            if (faults.size() < max_faults) {
                faults.push_back({number, fault});
            } else {
                ++more;
            }
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (more != 0) {
        faults.push_back({number, "and " + std::to_string(more) + " more lines with such errors"});
    }
    return faults;
}

// A stream over the text in place: yaml-cpp reads only streams, and a string stream would copy.
class view_buffer final : public std::streambuf {
public:
    explicit view_buffer(std::string_view text) {
        // A stream buffer requires writable characters, but reading never writes to them.
        char* begin = const_cast<char*>(text.data());
        setg(begin, begin, begin + text.size());
    }
};

// The message of yaml-cpp without the part after the colon, which may repeat the text; unhelpful ones are replaced.
std::string explain(std::string_view message) {
    // A message may have a piece of the file in it, and so a part of a secret.
    message = message.substr(0, message.find(':'));
    if (message == "unknown escape character") {
        return "invalid YAML: a backslash in double quotes begins an escape: use single quotes, or "
               "two backslashes";
    }
    if (message == "the referenced anchor is not defined") {
        return no_aliases;
    }
    std::string text = "invalid YAML: " + std::string(message);
    if (message == "illegal map value" || message == "end of map not found") {
        text += " (wrong indentation, or a value with a colon or bracket that requires quotes?)";
    }
    if (message == "unknown token") {
        text += " (a text that begins with ?, @, % or ` requires quotes)";
    }
    return text;
}

} // namespace

std::variant<yaml_node, std::vector<yaml_fault>> parse_yaml(std::string_view text,
                                                            yaml_texts allowed) {
    // With invalid bytes the parser's messages would be about the consequences.
    if (auto faults = check_bytes(text); !faults.empty()) {
        return faults;
    }
    // yaml-cpp silently closes an open quote if the last byte is a line end; without line ends it reports the quote.
    text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    view_buffer buffer(text);
    std::istream stream(&buffer);
    tree_builder builder(allowed);
    try {
        YAML::Parser parser(stream);
        // A second document ends in the builder, with its line.
        // Recursive in yaml-cpp: tree_builder bounds the depth, so the stack is safe.
        while (parser.HandleNextDocument(builder)) {
        }
        return builder.take_root();
    } catch (const refused& stop) {
        return std::vector{stop.fault};
    } catch (const YAML::Exception& error) {
        return std::vector{yaml_fault{line_of(error.mark), explain(error.msg)}};
    }
}

} // namespace kallglot::config
