/* SPDX-License-Identifier: Apache-2.0 */
/* What goes over the wire: mails, webhook bodies, signatures; and when. */
#include "alert/alert_hook.h"
#include "alert/alert_mail.h"
#include "alert/alert_quiet.h"
#include "alert/alert_send.h"
#include "base/json.h"
#include "tests/testing.h"

#include "base/poison.h"

static void addresses(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "ops@example.com", true },
		{ "o'neill+tls@example.com", true },
		{ "", false },
		{ "example.com", false },
		{ "@example.com", false },
		{ "ops@", false },
		{ "a@b@c", false },
		{ "ops@example.com\r\nBcc: x@y", false },
		{ "<ops@example.com>", false },
		{ "o ps@example.com", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (alert_mail_is_address(str_of(rows[i].text)) != rows[i].good)
			fail_msg("%s", rows[i].text);
}

static const struct str recipients[] = { { "ops@example.com", 15 } };
static const struct alert_mail mail = { { "moat@m.example", 14 }, recipients,
	1 };

static struct store_alert bad_alert(void)
{
	return (struct store_alert){ .tenant = STR("default"),
		.id = STR("alert1"),
		.kind = STORE_ALERT_FAILURE,
		.domain = STR("d.example"),
		.item = STR("x\r\nBcc: evil@example.org\r\n"),
		.opened = 1795305600,
		.what = STR("what\r\n.\r\nMAIL FROM:<x>\xff "
			    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			    "aaaaa"
			    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
			    "bbbbb") };
}

/* No text of a stranger begins a line of its own or makes a long one. */
static void a_mail_is_one_mail(void **state)
{
	struct store_notice n = { .id = STR("n1"), .event = STR("opened") };
	struct arena *a = arena_must(0);
	struct store_alert al = bad_alert();
	struct str text = alert_mail_write(a, &mail, &n, &al, 1795305600);
	size_t column = 0;

	(void)state;
	assert_true(str_starts(text, STR("Date: Sun, 22 Nov 2026 00:00:00")));
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		assert_true((c >= ' ' && c <= '~') || c == '\r' || c == '\n');
		column = c == '\n' ? 0 : column + 1;
		assert_true(column < 200);
		if (column == 1) {
			assert_false(str_starts(str_from(text, i), STR("Bcc")));
			assert_false(str_starts(str_from(text, i), STR(".\r")));
		}
		if (c == '\n')
			assert_int_equal(text.p[i - 1], '\r');
	}
	arena_free(&a);
}

static void a_closed_one_answers(void **state)
{
	struct store_notice n = { .id = STR("n2"), .event = STR("closed") };
	struct arena *a = arena_must(0);
	struct store_alert al = bad_alert();
	struct str text;

	(void)state;
	al.state = STORE_ALERT_CLOSED;
	al.closed = 1795305601;
	text = alert_mail_write(a, &mail, &n, &al, 1795305602);
	assert_non_null(memmem(text.p, text.n,
		"In-Reply-To: <alert1.opened@m.example>\r\n", 40));
	assert_non_null(memmem(
		text.p, text.n, "Auto-Submitted: auto-generated\r\n", 32));
	arena_free(&a);
}

/* HMAC-SHA-256("key", "1.{}"), computed with another program. */
static void signatures(void **state)
{
	struct arena *a = arena_must(0);

	(void)state;
	assert_str(alert_hook_signature(a, STR("key"), STR("{}"), 1),
		"Moat-Signature: t=1,v1="
		"1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d2"
		"24");
	arena_free(&a);
}

static void a_body_is_json(void **state)
{
	struct store_notice n = { .id = STR("n1"), .event = STR("opened") };
	struct arena *a = arena_must(0);
	struct store_alert al = bad_alert();
	struct json *tree;
	struct err e = {};

	(void)state;
	assert_int_equal(json_parse(a, alert_hook_body(a, &n, &al),
				 JSON_LIMITS_DEFAULT, &tree, NULL, &e),
		ST_OK);
	assert_str(json_get_str(tree, "event"), "opened");
	assert_str(json_get_str(tree, "kind"), "failure");
	assert_true(json_true(json_get(tree, "proven")));
	assert_int_equal(json_parse(a, alert_hook_body(a, &n, NULL),
				 JSON_LIMITS_DEFAULT, &tree, NULL, &e),
		ST_OK);
	assert_null(json_get(tree, "alert"));
	arena_free(&a);
}

static void quiet_hours(void **state)
{
	static const struct {
		const char *text;
		int64_t now, end; /* seconds; -1: the text is bad */
	} rows[] = {
		{ "", 5, 5 },
		{ "22:00-06:00", 21 * 3600, 21 * 3600 },
		{ "22:00-06:00", 22 * 3600, 30 * 3600 },
		{ "22:00-06:00", 0, 6 * 3600 },
		{ "22:00-06:00", 6 * 3600, 6 * 3600 },
		{ "01:00-02:30", 5400, 9000 },
		{ "01:00-02:30", 9000, 9000 },
		{ "07:00-07:00", 7 * 3600, 7 * 3600 },
		{ "24:00-06:00", 0, -1 },
		{ "22-06", 0, -1 },
		{ "22:00", 0, -1 },
		{ "2:00-06:00", 0, -1 },
		{ "22:00-06:00-", 0, -1 },
	};
	struct alert_quiet q;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum status st = alert_quiet_parse(str_of(rows[i].text), &q);

		assert_int_equal(st, rows[i].end < 0 ? ST_INVALID : ST_OK);
		if (st == ST_OK)
			assert_int_equal(
				alert_quiet_end(&q, rows[i].now), rows[i].end);
	}
}

static void attempts_go_apart(void **state)
{
	int64_t before = 0, all = 0;

	(void)state;
	for (int64_t i = 1; i < ALERT_ATTEMPTS_MAX; i++) {
		assert_true(alert_send_wait_s(i) >= before);
		before = alert_send_wait_s(i);
		all += before;
	}
	assert_true(all > 24 * 3600 && all < 72 * 3600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(a_mail_is_one_mail),
		cmocka_unit_test(a_closed_one_answers),
		cmocka_unit_test(signatures),
		cmocka_unit_test(a_body_is_json),
		cmocka_unit_test(quiet_hours),
		cmocka_unit_test(attempts_go_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
