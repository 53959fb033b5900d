#!/usr/bin/env python3
"""A lint that cannot fail is a defect: each is shown bad samples, which it must find, and good ones, which it must not."""

import pathlib
import tempfile
import unittest
import unittest.mock

import coroutine_rule
import formatting
import house_rules
import include_table
import metric_table
import plain_words
from source import code_of


class Tree(unittest.TestCase):
    """A small repository in a temporary folder."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.root = pathlib.Path(self._folder.name)

    def put(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding='utf-8')

    def assert_finds(self, findings, *expected):
        self.assertEqual([finding.split(': ', 1)[0] for finding in findings], list(expected), findings)


class MetricTable(Tree):
    CODE = ('{metric::up, "kallglot_up", metric_type::gauge, {},\n "Usable:"\n " 1 yes."},\n'
            '{metric::session_transitions, "kallglot_session_transitions_total", metric_type::counter, {"from", "to"}, "Changes."},\n')
    ROWS = ('| `kallglot_up` | gauge |  | Usable: 1 yes. |\n'
            '| `kallglot_session_transitions_total` | counter | from, to | Changes. |\n')

    def lint(self, rows, code=CODE):
        self.put(metric_table.TABLE, code)
        self.put(metric_table.DOCUMENT, 'text\n\n' + rows + '\nmore\n')
        return metric_table.lint(self.root)

    def test_accepts_the_same_rows(self):
        self.assertEqual(self.lint(metric_table.BEGIN + self.ROWS), [])

    def test_accepts_rows_that_begin_with_their_id(self):
        code = self.CODE.replace('{"kallglot_up"', '{metric::up, "kallglot_up"').replace(
            '{"kallglot_session_', '{metric::session_transitions,\n "kallglot_session_')
        self.assertEqual(code.count('metric::'), 2)
        self.assertEqual(self.lint(metric_table.BEGIN + self.ROWS, code), [])

    def test_finds_what_differs_is_missing_or_too_much(self):
        self.assert_finds(self.lint(metric_table.BEGIN + self.ROWS.replace('gauge', 'counter', 1)), f'{metric_table.DOCUMENT}:5')
        self.assert_finds(self.lint(metric_table.BEGIN + self.ROWS.splitlines(keepends=True)[0]), f'{metric_table.DOCUMENT}:6')
        self.assert_finds(self.lint(metric_table.BEGIN + self.ROWS + '| `x` | gauge |  | X. |\n'), f'{metric_table.DOCUMENT}:7')
        self.assert_finds(self.lint(self.ROWS), f'{metric_table.DOCUMENT}:1')
        self.assert_finds(self.lint(metric_table.BEGIN + self.ROWS, code='nothing'),
                          'include/kallglot/ports/metric_table.hpp:1')


class CodeOf(unittest.TestCase):
    def test_blanks_comments_and_strings_and_keeps_lines(self):
        text = 'a; // co_await {\n/* {\n{ */ b("{ \\" {"); R"(\n{)"; c = \'{\'; d = 1\'000;'
        self.assertNotIn('{', code_of(text))
        self.assertEqual(text.count('\n'), code_of(text).count('\n'))
        self.assertIn("1'000", code_of(text))


class IncludeTable(Tree):
    BAD = [
        ('include/kallglot/tracking/session.hpp', '<boost/asio/awaitable.hpp>'),
        ('include/kallglot/tracking/session.hpp', '"kallglot/ports/clock.hpp"'),
        ('daemon/tracking/session_ledger.cpp', '<fstream>'),
        ('daemon/tracking/session_ledger.cpp', '<mutex>'),
        ('daemon/tracking/session_ledger.cpp', '<openssl/ssl.h>'),
        ('daemon/tracking/session_ledger.cpp', '"kallglot/polling/poller.hpp"'),
        ('daemon/polling/poller.cpp', '"kallglot/intake/intake.hpp"'),
        ('daemon/polling/poller.cpp', '"kallglot/metrics/daemon_metrics.hpp"'),
        ('daemon/intake/intake.cpp', '"store/sqlite/sqlite_engine.hpp"'),
        ('daemon/intake/intake.cpp', '"polling/due_work.hpp"'),
        ('include/kallglot/ports/clock.hpp', '<boost/asio/ip/tcp.hpp>'),
        ('include/kallglot/ports/clock.hpp', '"kallglot/async/deadline.hpp"'),
        ('daemon/async/task.cpp', '<boost/beast/http.hpp>'),
        ('daemon/async/task.cpp', '"kallglot/tracking/session.hpp"'),
        ('daemon/net/client/resolver.cpp', '"kallglot/store/store_engines.hpp"'),
        ('daemon/net/client/resolver.cpp', '"kallglot/net/server/http_server.hpp"'),
        ('daemon/net/server/http_server.cpp', '"net/client/connector.hpp"'),
        ('daemon/store/sqlite_store.cpp', '"kallglot/net/client/resolver.hpp"'),
        ('daemon/store/write_queue.cpp', '<sqlite3.h>'),
        ('daemon/metrics/exposition_writer.cpp', '<boost/asio/buffer.hpp>'),
        ('daemon/config/units.cpp', '<boost/asio/ip/address.hpp>'),
        ('daemon/config/units.cpp', '"kallglot/net/client/resolver.hpp"'),
        ('daemon/web/status_page.cpp', '"app/application.hpp"'),
        ('daemon/web/status_page.cpp', '"kallglot/net/client/https_client.hpp"'),
        ('daemon/web/status_page.cpp', '<sqlite3.h>'),
        ('daemon/main.cpp', '"kallglot/net/client/https_client.hpp"'),
        ('daemon/store/sqlite/row_codec.cpp', '"row_codec.hpp"'),
        ('daemon/tracking/session_ledger.cpp', '"../ports/clock.hpp"'),
    ]
    GOOD = [
        ('daemon/api/session_parser.cpp', '<boost/json/basic_parser_impl.hpp>'),
        ('daemon/tracking/session_ledger.cpp', '<chrono>'),
        ('daemon/tracking/session_tracker.cpp', '"tracking/status_bounds.hpp"'),
        ('include/kallglot/ports/clock.hpp', '"kallglot/async/task.hpp"'),
        ('daemon/net/client/resolver.cpp', '<netdb.h>'),
        ('daemon/net/client/https_client.cpp', '"kallglot/net/tls/tls_context.hpp"'),
        ('daemon/store/sqlite/database.cpp', '<sqlite3.h>'),
        ('daemon/web/status_page.cpp', '"kallglot/net/server/http_server.hpp"'),
        ('daemon/app/application.cpp', '"kallglot/store/store_engines.hpp"'),
        ('daemon/app/systemd_host.cpp', '<systemd/sd-daemon.h>'),
        ('daemon/main.cpp', '<CLI/CLI.hpp>'),
    ]

    def test_finds_each_forbidden_include(self):
        for path, header in self.BAD:
            with self.subTest(path=path, header=header):
                self.put(path, f'// text\n#include {header}\n')
                self.assert_finds(include_table.lint(self.root), f'{path}:2')
                (self.root / path).unlink()

    def test_lets_each_permitted_include_pass(self):
        for path, header in self.GOOD:
            with self.subTest(path=path, header=header):
                self.put(path, f'#include {header}\n')
                self.assert_finds(include_table.lint(self.root))
                (self.root / path).unlink()

    def test_finds_the_clock_and_files_in_a_pure_room(self):
        self.put('daemon/tracking/census.cpp', 'auto t = std::chrono::steady_clock::now();\n// ::now( in a comment\nstd::ifstream f;\n')
        self.assert_finds(include_table.lint(self.root), 'daemon/tracking/census.cpp:1', 'daemon/tracking/census.cpp:3')

    def test_finds_a_room_that_is_not_in_the_table(self):
        self.put('daemon/utils/strings.cpp', '\n')
        self.assert_finds(include_table.lint(self.root), 'daemon/utils/strings.cpp:1')


class CoroutineRule(unittest.TestCase):
    BAD = [
        'co_await f(options{a, b});',
        'co_await f({a, b});',
        'auto x = co_await f(options{.a = 1});',
        'co_await f([text] { return text; });',
        'co_await f(std::make_unique<options>(options{a}));',
        'co_await f(a,\n          options{b});',
        'point p{co_await a(), co_await b()};',
        'g(options{a}, co_await f());',
        'if (co_await f(options{a})) { g(); }',
        'if (auto x = co_await f({a}); x) { g(); }',
        'while (g(options{a}, co_await f())) { h(); }',
        'use(co_await f()).then(options{a});',
        'co_return co_await f(options{a});',
    ]
    GOOD = [
        'co_await f(std::move(request));',
        'auto x = co_await f(std::string("{"), 1); if (x) { g(); }',
        'if (co_await f()) { g(); }',
        'if (auto x = co_await f(a); x) { g(options{x}); }',
        'while (co_await f(g(a))) { h(options{a}); }',
        'for (;co_await f();) { g(); }',
        'switch (co_await f()) { case 1: break; }',
        'options o{a, b}; co_await f(std::move(o));',
        '{ g(options{a}); } co_await f(); { g(); }',
        '// co_await f(options{a});',
        'log("co_await f({a})");',
        'co_return point{a, b};',
        'auto [error, size] = co_await f();',
    ]

    def test_finds_each_bad_statement(self):
        for statement in self.BAD:
            with self.subTest(statement=statement):
                self.assertTrue(list(coroutine_rule.faults(f'task f() {{\n    {statement}\n}}\n')))

    def test_lets_each_good_statement_pass(self):
        for statement in self.GOOD:
            with self.subTest(statement=statement):
                self.assertEqual(list(coroutine_rule.faults(f'task f() {{\n    {statement}\n}}\n')), [])

    def test_names_the_line(self):
        self.assertEqual([line for line, _ in coroutine_rule.faults('a;\n\nco_await f(options{a});\n')], [3])


class HouseRules(Tree):
    BAD_CODE = [
        'asio::co_spawn(context, f(), asio::detached);',
        'asio::co_spawn(context, f(), token);',
        'context_.stop();',
        'io_context->stop();',
        'auto x = co_await f(asio::use_awaitable);',
        'return shared_from_this();',
        'std::mutex guard;',
        'const auto now = std::chrono::steady_clock::now();',
        'std::this_thread::sleep_for(1s);',
        'using namespace std;',
        'auto home = std::getenv("HOME");',
        'f();  // NOLINT',
        'f();  // NOLINT(bugprone-branch-clone)',
        '// see /work/' + 'notes.md',
    ]
    GOOD_CODE = [
        '// detached; context_.stop();',
        'poller_.stop();',
        'auto text = "detached";',
        'f();  // NOLINT(bugprone-branch-clone): both are wanted',
        '// https://example.org/work/notes',
    ]

    def test_finds_each_bad_line(self):
        for line in self.BAD_CODE:
            with self.subTest(line=line):
                self.put('daemon/polling/poller.cpp', f'\n{line}\n')
                findings = house_rules.lint(self.root)
                self.assertTrue(findings)
                self.assertEqual({finding.split(': ')[0] for finding in findings}, {'daemon/polling/poller.cpp:2'})

    def test_lets_each_good_line_pass(self):
        for line in self.GOOD_CODE:
            with self.subTest(line=line):
                self.put('daemon/polling/poller.cpp', f'{line}\n')
                self.assert_finds(house_rules.lint(self.root))

    def test_async_may_spawn(self):
        self.put('daemon/async/task_group.cpp', 'asio::co_spawn(a, b, c);\n')
        self.assert_finds(house_rules.lint(self.root))

    def test_finds_what_does_not_belong_at_the_top(self):
        self.put('notes.txt', 'x\n')
        self.put('src/main.cpp', '\n')
        self.put('.packages', '\n')
        self.put('README.md', '\n')
        self.assert_finds(house_rules.lint(self.root), 'notes.txt:1', 'src:1')

    def test_finds_a_wrong_include_guard(self):
        self.put('include/kallglot/base/error.hpp', '#ifndef ERROR_HPP\n#define ERROR_HPP\n#endif\n')
        self.put('include/kallglot/base/rate.hpp', '#ifndef KALLGLOT_BASE_RATE_HPP\n#define KALLGLOT_BASE_RATE_HPP\n#endif\n')
        self.assert_finds(house_rules.lint(self.root), 'include/kallglot/base/error.hpp:1')

    def test_finds_sleeping_python_tests(self):
        bad = ('import time\ntime.sleep(1)\n', 'from time import sleep\nsleep(0.1)\n', 'x = 1\nawait asyncio.sleep(5)\n',
               'begun = time.monotonic()\nself.assertLess(time.monotonic() - begun, 5)\n',
               'begun = time.monotonic()\nwait_for("x", lambda: time.monotonic() > begun + 1)\n')
        for text in bad:
            with self.subTest(text):
                self.put('tests/e2e/new_test.py', text)
                self.assert_finds(house_rules.lint(self.root), 'tests/e2e/new_test.py:2')

    def test_lets_waiting_python_tests_pass(self):
        good = ('# time.sleep(1)\n', 'run("sleep", "1d")\n', 'text = "time.sleep(1)"\n', 'pace_until(time.monotonic() + 1)\n',
                'begun = time.monotonic()\nprint(time.monotonic() - begun)\n', 'self.assertLess(took, 3 * control)\n')
        for text in good:
            with self.subTest(text):
                self.put('tests/e2e/new_test.py', text)
                self.assert_finds(house_rules.lint(self.root))
        self.put(house_rules.WAITING, 'import time\ntime.sleep(0.02)\n')
        self.put('config/tool.py', 'import time\ntime.sleep(1)\n')
        self.assert_finds(house_rules.lint(self.root))

    def test_finds_a_long_file(self):
        self.put('daemon/base/long.cpp', 'int a;\n' * 601)
        self.put('daemon/base/short.cpp', 'int a;\n' * 600)
        self.assert_finds(house_rules.lint(self.root), 'daemon/base/long.cpp:600')


class PlainWords(Tree):
    BAD = [
        ('daemon/net/sockets.cpp', '\n// Whoever connects first wins.\n'),
        ('daemon/net/sockets.cpp', '\nlog("Nobody waits");\n'),
        ('daemon/net/sockets.cpp', '\nlog("a\\nwho waits");\n'),
        ('daemon/net/sockets.cpp', '\nauto text = R"(for whom)";\n'),
        ('daemon/net/sockets.cpp', '\n/* The key is read anew. */\n'),
        ('daemon/net/sockets.cpp', '\nint a; // told of each answer\n'),
        ('daemon/net/sockets.cpp', '\n/// ten at the\n/// most\n'),
        ('daemon/net/sockets.cpp', '\nlog("ten at the "\n    "most");\n'),
        ('include/kallglot/net/sockets.hpp', '\n/// Tells the client.\n'),
        ('tests/unit/net/sockets_test.cpp', '\n// WHO knows\n'),
        ('tests/unit/net/sockets_test.py', '\nx = 1  # let no client in\n'),
        ('tests/unit/net/sockets_test.py', '\nfail(f"{x} for everybody")\n'),
        ('daemon/net/README.md', '\nWherever it is.\n'),
        ('daemon/net/sample.yml', '\nkey: 1  # for anybody\n'),
        ('daemon/net/CMakeLists.txt', '\n# For everybody.\n'),
        ('systemd/sample.service', '\n# The key is read anew.\n'),
        ('dev', '\nrun # for whom\n'),
    ]
    GOOD = [
        ('daemon/net/sockets.cpp', 'int who = nobody(anew, told);\n'),
        ('daemon/net/sockets.cpp', '// whole, whose, retells, most\n'),
        ('daemon/net/sockets.cpp', '// ten at the\nint a;\n// most of them\n'),
        ('tests/unit/net/sockets_test.cpp', '// the operator is told\n'),
        ('tests/unit/net/sockets_test.py', 'who = nobody\n'),
        ('tests/unit/net/sockets_test.py', "flag = f'--reuid={NOBODY}'\n"),
        ('systemd/sample.service', 'User=nobody\n'),
        ('daemon/net/README.md', '`who -a` and\n```sh\nwho | grep nobody\n```\n'),
        ('daemon/net/sockets.cpp', '// callers who hear silence, an operator who is paged\n'),
    ]

    def test_finds_each_bad_text(self):
        for path, text in self.BAD:
            with self.subTest(text):
                self.put(path, text)
                self.assert_finds(plain_words.lint(self.root), f'{path}:2')
                (self.root / path).unlink()

    def test_lets_each_good_text_pass(self):
        for path, text in self.GOOD:
            with self.subTest(text):
                self.put(path, text)
                self.assert_finds(plain_words.lint(self.root))
                (self.root / path).unlink()

    def test_an_exception_holds_for_its_file_and_word(self):
        self.put('daemon/net/a.cpp', '// anew\n// nobody\n')
        self.put('daemon/net/b.cpp', '// anew\n')
        with unittest.mock.patch.object(plain_words, 'EXCEPTIONS', [('daemon/net/a.*', 'anew', 'a quotation')]):
            self.assert_finds(plain_words.lint(self.root), 'daemon/net/a.cpp:2', 'daemon/net/b.cpp:1')

    def test_finds_an_exception_that_is_not_used(self):
        self.put('daemon/net/a.cpp', '// plain\n')
        with unittest.mock.patch.object(plain_words, 'EXCEPTIONS', [('daemon/net/a.*', 'anew', 'a quotation')]):
            self.assert_finds(plain_words.lint(self.root), 'daemon/net/a.cpp:1')


class Formatting(Tree):
    def test_finds_a_difference_and_names_the_line(self):
        style = pathlib.Path(__file__).resolve().parents[2] / '.clang-format'
        self.put('.clang-format', style.read_text(encoding='utf-8'))
        self.put('daemon/good.cpp', 'int a = 1;\n')
        self.put('daemon/bad.cpp', 'int a = 1;\nint  b = 2;\n')
        self.assert_finds(formatting.lint(self.root), 'daemon/bad.cpp:2')


if __name__ == '__main__':
    unittest.main()
