/* SPDX-License-Identifier: Apache-2.0 */
/* What goes over the wire: mails, webhook bodies, signatures. */
#include "alert/alert_hook.h"
#include "alert/alert_mail.h"
#include "alert/alert_send.h"
#include "base/json.h"
#include "tests/testing.h"

#include "base/poison.h"

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

/* An alert may open, close and open again. */
static void mails_of_one_alert_go_together(void **state)
{
	static const char *const ids[] = { "n1", "n2", "n3" };
	struct arena *a = arena_must(0);
	struct store_alert al = bad_alert();

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct store_notice n = { .id = str_of(ids[i]),
			.event = i == 1 ? STR("closed") : STR("opened") };
		const char *text = arena_str(
			a, alert_mail_write(a, &mail, &n, &al, 1795305602))
					   .p;

		assert_non_null(strstr(text,
			arena_fmt(a, "Message-ID: <%s.notice@m.example>\r\n",
				ids[i])
				.p));
		assert_non_null(strstr(
			text, "References: <alert1.alert@m.example>\r\n"));
		assert_non_null(
			strstr(text, "Auto-Submitted: auto-generated\r\n"));
	}
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
		cmocka_unit_test(a_mail_is_one_mail),
		cmocka_unit_test(mails_of_one_alert_go_together),
		cmocka_unit_test(signatures),
		cmocka_unit_test(a_body_is_json),
		cmocka_unit_test(attempts_go_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
