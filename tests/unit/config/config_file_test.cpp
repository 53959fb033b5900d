#include "kallglot/config/config_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace kallglot::config {
namespace {

class ConfigFile : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name =
            (std::filesystem::temp_directory_path() / "kallglot-config-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        std::filesystem::create_directory(folder_ / "credentials");
        write("api_key", "sk_live_4f9b2c7d1e8a\n");
    }

    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path write(const std::string& name, const std::string& content) const {
        const auto path = folder_ / name;
        std::ofstream(path, std::ios::binary) << content;
        ::chmod(path.c_str(), 0600);
        return path;
    }

    std::string faults_of(const load_result& result) const {
        std::string text;
        if (const auto* faults = std::get_if<config_faults>(&result)) {
            for (const config_fault& fault : *faults) {
                text += to_string(fault).substr(folder_.string().size() + 1) + '\n';
            }
        }
        return text;
    }

    std::filesystem::path folder_;
};

TEST_F(ConfigFile, ValidFileGivesSettingsAndSecrets) {
    write("hook_old", "whsec_old_91c1_c0ffee\n");
    write("hook_new", "whsec_new_77aa_c0ffee\r\n");
    write("token", "t0k3n-of-16-bytes\n");
    const auto path =
        write("config.yml",
              "api: {key_file: api_key}\n"
              "sessions: {api_token_file: token}\n"
              "webhook: {listen_address: \":0\", secret_files: [hook_old, hook_new]}\n");
    const auto result = load(path, {});
    ASSERT_EQ(faults_of(result), "");
    const auto& loaded = std::get<loaded_config>(result);
    EXPECT_EQ(loaded.secrets.api_key.reveal(), "sk_live_4f9b2c7d1e8a");
    EXPECT_EQ(loaded.secrets.api_token.reveal(), "t0k3n-of-16-bytes");
    ASSERT_EQ(loaded.secrets.webhook_secrets.size(), 2U);
    EXPECT_EQ(loaded.secrets.webhook_secrets[1].reveal(), "whsec_new_77aa_c0ffee");
    EXPECT_EQ(loaded.values.api.key_file, (folder_ / "api_key").string());
    EXPECT_TRUE(loaded.warnings.empty());
}

TEST_F(ConfigFile, ARelativeConfigurationIsFoundFromTheWorkingFolder) {
    const auto path = write("config.yml", "api: {key_file: api_key}\n");
    const auto relative = std::filesystem::relative(path);
    const auto result = load(relative, {});
    ASSERT_TRUE(std::holds_alternative<loaded_config>(result));
    EXPECT_TRUE(
        std::filesystem::path(std::get<loaded_config>(result).values.store.path).is_absolute());
}

TEST_F(ConfigFile, BareNamesAreLookedUpInTheCredentialsFirst) {
    write("credentials/api_key", "sk_live_credential\n");
    const auto path = write("config.yml", "api: {key_file: api_key}\n");
    const auto with = load(path, {folder_ / "credentials", {}});
    EXPECT_EQ(std::get<loaded_config>(with).secrets.api_key.reveal(), "sk_live_credential");
    const auto dotted = write("dotted.yml", "api: {key_file: ./api_key}\n");
    const auto without = load(dotted, {folder_ / "credentials", {}});
    EXPECT_EQ(std::get<loaded_config>(without).secrets.api_key.reveal(), "sk_live_4f9b2c7d1e8a");
    std::filesystem::remove(folder_ / "credentials/api_key");
    const auto fallen_back = load(path, {folder_ / "credentials", {}});
    EXPECT_EQ(std::get<loaded_config>(fallen_back).secrets.api_key.reveal(),
              "sk_live_4f9b2c7d1e8a");
}

TEST_F(ConfigFile, SecretInPlaceOfItsFileIsNotRepeated) {
    const std::string token = "0123456789abcdef0123456789abcdef";
    for (const std::string& section :
         {"sessions: {api_token_file: " + token + "}",
          "webhook: {secret_files: [" + token + "]}",
          "webhook: {tls: {cert_file: api_key, key_file: " + token + "}}"}) {
        const auto path = write("config.yml", "api: {key_file: api_key}\n" + section + "\n");
        const std::string faults = faults_of(load(path, {}));
        EXPECT_NE(faults.find("the text looks like the secret itself"), std::string::npos)
            << faults;
        EXPECT_EQ(faults.find(token), std::string::npos) << faults;
    }
    // A long name is fine as soon as there is such a file.
    write("kallglot_session_api_token", "t0k3n-of-16-bytes\n");
    const auto path = write("config.yml",
                            "api: {key_file: api_key}\n"
                            "sessions: {api_token_file: kallglot_session_api_token}\n");
    EXPECT_EQ(faults_of(load(path, {})), "");
}

TEST_F(ConfigFile, FilesThatOthersCanWriteCauseWarnings) {
    const auto path = write("config.yml",
                            "api: {key_file: api_key, ca_file: ca.pem}\n"
                            "webhook: {tls: {cert_file: hook.pem, key_file: hook.key}}\n");
    for (const char* name : {"ca.pem", "hook.pem", "hook.key"}) {
        ::chmod(write(name, "contents").c_str(), 0666);
    }
    ::chmod(path.c_str(), 0666);
    const auto result = load(path, {});
    std::string keys;
    for (const config_fault& warning : std::get<loaded_config>(result).warnings) {
        keys += warning.key + '\n';
    }
    // The private key twice: others can read it, too.
    EXPECT_EQ(keys,
              "\napi.ca_file\nwebhook.tls.cert_file\nwebhook.tls.key_file\nwebhook.tls.key_file\n");
}

TEST_F(ConfigFile, MissingConfigurationIsUnavailable) {
    const auto result = load(folder_ / "missing.yml", {});
    EXPECT_EQ(faults_of(result),
              "missing.yml: cannot read the configuration: No such file or directory\n");
    EXPECT_EQ(exit_code(std::get<config_faults>(result)), 1);
    EXPECT_EQ(exit_code(std::get<config_faults>(load(folder_, {}))), 1);
}

TEST_F(ConfigFile, TooLargeConfigurationIsInvalid) {
    const auto path = write("config.yml", std::string(max_file_size_bytes + 1, '#'));
    const auto result = load(path, {});
    EXPECT_EQ(faults_of(result),
              "config.yml: cannot read the configuration: it exceeds 1048576 bytes\n");
    EXPECT_EQ(exit_code(std::get<config_faults>(result)), 2);
}

TEST_F(ConfigFile, MissingKeyFileIsUnavailableWithItsLine) {
    const auto path = write("config.yml", "api:\n  key_file: nowhere\n");
    const auto result = load(path, {});
    EXPECT_EQ(faults_of(result),
              "config.yml:2: api.key_file: cannot read " + (folder_ / "nowhere").string()
                  + ": No such file or directory\n");
    EXPECT_EQ(exit_code(std::get<config_faults>(result)), 1);
}

TEST_F(ConfigFile, FaultsOfFilesAndTextAreReportedTogether) {
    write("api_key", "");
    const auto path = write("config.yml",
                            "api:\n"
                            "  key_file: api_key\n"
                            "  max_rate: fast\n"
                            "  ca_file: ca.pem\n"
                            "webhook:\n"
                            "  tls: {cert_file: c.pem, key_file: k.pem}\n");
    const auto result = load(path, {});
    const auto text = faults_of(result);
    std::size_t at = 0;
    for (const std::string part : {"config.yml:2: api.key_file: ",
                                   "api_key is empty\n",
                                   "config.yml:3: api.max_rate: must be a rate",
                                   "config.yml:4: api.ca_file: cannot read ",
                                   "config.yml:6: webhook.tls.cert_file: cannot read ",
                                   "config.yml:6: webhook.tls.key_file: cannot read "}) {
        at = text.find(part, at);
        ASSERT_NE(at, std::string::npos) << part << "in\n" << text;
    }
    EXPECT_EQ(exit_code(std::get<config_faults>(result)), 2);
}

TEST_F(ConfigFile, CountOfOmittedFaultsIsTheLastFault) {
    std::string text = "api: {key_file: api_key}\n";
    for (int i = 0; i < 150; ++i) {
        text += "nonsense_" + std::to_string(i) + ": 1\n";
    }
    const auto result =
        load(write("config.yml", text + "webhook: {tls: {cert_file: c, key_file: k}}\n"), {});
    const auto& faults = std::get<config_faults>(result);
    ASSERT_EQ(faults.size(), 103U);
    EXPECT_EQ(faults[100].key, "webhook.tls.cert_file");
    EXPECT_EQ(faults[102].message, "and 50 more faults");
}

TEST_F(ConfigFile, EmptyWebhookSecretIsRejected) {
    write("hook", "\r\n");
    const auto path = write(
        "config.yml",
        "api: {key_file: api_key}\nwebhook: {listen_address: \":0\", secret_files: [hook]}\n");
    const auto result = load(path, {});
    EXPECT_NE(faults_of(result).find("webhook.secret_files: "), std::string::npos);
    EXPECT_EQ(exit_code(std::get<config_faults>(result)), 2);
}

TEST_F(ConfigFile, SecretReadableByAllIsUsedWithAWarning) {
    ::chmod((folder_ / "api_key").c_str(), 0644);
    const auto path = write("config.yml", "api: {key_file: api_key}\n");
    const auto result = load(path, {});
    ASSERT_EQ(faults_of(result), "");
    const auto& warnings = std::get<loaded_config>(result).warnings;
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_EQ(warnings.front().key, "api.key_file");
    EXPECT_EQ(warnings.front().line, 1U);
}

TEST_F(ConfigFile, FirstOfSeveralStateDirectoriesIsUsed) {
    ::setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two", 1);
    ::setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1);
    const auto env = environment::from_process();
    ::unsetenv("STATE_DIRECTORY");
    ::unsetenv("CREDENTIALS_DIRECTORY");
    EXPECT_EQ(env.state_directory, "/var/lib/one");
    EXPECT_EQ(env.credentials_directory, "/run/credentials/x");
    EXPECT_TRUE(environment::from_process().state_directory.empty());
}

} // namespace
} // namespace kallglot::config
