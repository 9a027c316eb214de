/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of postqueue -j: honest ones, odd recipients, and no lines at all. */
#include "io/idn.h"
#include "outbound/hold_reason.h"
#include "outbound/queue_line.h"
#include "tests/parser_laws.h"

#include "base/poison.h"

#define HEAD                                                                   \
	"{\"queue_name\": \"deferred\", \"queue_id\": \"4XyZ0b9\", "           \
	"\"arrival_time\": 1795305600, \"message_size\": 312, "                \
	"\"forced_expire\": false, \"sender\": \"a@b.example\", "              \
	"\"recipients\": ["
#define ONE(address) "{\"address\": \"" address "\"}"
#define LINE                                                                   \
	HEAD "{\"address\": \"x@Mail.Example\", \"delay_reason\": "            \
	     "\"Server certificate not verified\"}, " ONE(                     \
		     "y@two.example") "]}"

static enum status parse(struct arena *a, struct str line)
{
	struct queue_message m;

	return queue_line_parse(a, line, idn_to_ascii, &m, NULL);
}

static void reads_a_message(void **state)
{
	struct arena *a = arena_must(0);
	struct queue_message m = {};

	(void)state;
	assert_int_equal(queue_line_parse(a, STR(LINE), NULL, &m, NULL), ST_OK);
	assert_str(m.id, "4XyZ0b9");
	assert_true(m.deferred);
	assert_int_equal(m.arrival, 1795305600);
	assert_int_equal(m.n, 2);
	assert_str(m.recipients[0].domain, "mail.example");
	assert_str(m.recipients[0].reason, "Server certificate not verified");
	assert_str(m.recipients[1].domain, "two.example");
	assert_int_equal(m.recipients[1].reason.n, 0);
	assert_int_equal(m.passed_over, 0);
	arena_free(&a);
}

/* What is no domain name is not handed on, whatever it looks like. */
static void odd_recipients_are_passed_over(void **state)
{
	static const char *const odd[] = {
		HEAD ONE("local") "]}",
		HEAD ONE("x@") "]}",
		HEAD ONE("x@$(touch /tmp/x).example") "]}",
		HEAD ONE("x@a;reboot") "]}",
		HEAD ONE("x@`id`.example") "]}",
		HEAD ONE("x@a b.example") "]}",
		HEAD ONE("x@-i.example") "]}",
		HEAD ONE("x@../../etc/passwd") "]}",
		HEAD ONE("x@[192.0.2.1]") "]}",
		HEAD ONE("x@[relay.example]") "]}",
		HEAD ONE("x@relay.example:25000") "]}",
		HEAD ONE("x@.example") "]}",
		HEAD ONE("x@a.example\\n") "]}",
		HEAD ONE("x@a.example\\u0000") "]}",
		HEAD "{\"address\": 7}]}",
		HEAD "null]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		struct arena *a = arena_must(0);
		struct queue_message m = {};

		assert_int_equal(queue_line_parse(a, str_of(odd[i]),
					 idn_to_ascii, &m, NULL),
			ST_OK);
		assert_int_equal(m.n, 0);
		assert_int_equal(m.passed_over, 1);
		arena_free(&a);
	}
}

/* An id goes onto a command line: letters and digits alone. */
static void refuses_what_is_no_message(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"postqueue: warning: Mail system is down",
		"{\"queue_id\": \"-q\", \"arrival_time\": 1}",
		"{\"queue_id\": \"ALL;id\", \"arrival_time\": 1}",
		"{\"queue_id\": \"\", \"arrival_time\": 1}",
		"{\"queue_id\": \"A1\", \"arrival_time\": -1}",
		"{\"queue_id\": \"A1\", \"arrival_time\": \"1\"}",
		"{\"queue_id\": \"A1\"}",
		"{\"queue_id\": 5, \"arrival_time\": 1}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct arena *a = arena_must(0);

		assert_int_equal(parse(a, str_of(bad[i])), ST_INVALID);
		arena_free(&a);
	}
}

static void keeps_the_laws(void **state)
{
	(void)state;
	law_truncated(parse, STR(LINE));
	law_no_memory(parse, STR(LINE));
}

static bool is_wanted(const void *ctx, struct str name)
{
	return str_eq(name, *(const struct str *)ctx);
}

static void a_smart_host_is_named_by_the_reason(void **state)
{
	static const struct {
		const char *domain, *reason, *asked;
		bool concerns;
	} rows[] = {
		{ "a.example", "", "a.example", true },
		{ "a.example", "", "b.example", false },
		{ "a.example",
			"TLS is required, but was not offered by host "
			"Relay.example.net[192.0.2.1]",
			"relay.example.net", true },
		{ "a.example", "by host xrelay.example.net[192.0.2.1]",
			"relay.example.net", false },
		{ "a.example", "relay.example.net", "example.net", false },
		{ "a.example", "[[::]] relay.example.net", "relay.example.net",
			true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct queue_recipient r = { str_of(rows[i].domain),
			str_of(rows[i].reason) };
		struct str asked = str_of(rows[i].asked);

		assert_int_equal(
			queue_recipient_concerns(&r, is_wanted, &asked),
			rows[i].concerns);
	}
}

static void reasons_are_told_by_postfix_words(void **state)
{
	static const struct {
		const char *said, *id;
	} rows[] = {
		{ "Server certificate not verified", "certificate" },
		{ "Server certificate not trusted", "trust" },
		{ "TLS is required, but was not offered by host a[1.2.3.4]",
			"starttls" },
		{ "TLS is required, but unavailable", "engine" },
		{ "Cannot start TLS: handshake failure", "handshake" },
		{ "client TLS configuration problem", "configuration" },
		{ "TLSA lookup error for mx.example:25", "dane" },
		{ "connect to mx.example[192.0.2.1]:25: Connection refused",
			NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct hold_reason *r = hold_reason_of(
			str_of(rows[i].said));

		if (rows[i].id == NULL) {
			assert_null(r);
			continue;
		}
		assert_non_null(r);
		assert_string_equal(r->id, rows[i].id);
	}
}

static void a_remedy_names_the_domain(void **state)
{
	struct arena *a = arena_must(0);
	const struct hold_reason *r = hold_reason_of(
		STR("server unavailable or unable to receive mail"));
	struct str s = hold_reason_remedy(a, r->remedy, STR("a.example"));

	(void)state;
	assert_str(s, "See moat explain a.example: it compares both. Tell the "
		      "domain's postmaster; if the mail cannot wait, moat rule "
		      "set a.example off --until 2d.");
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_message),
		cmocka_unit_test(odd_recipients_are_passed_over),
		cmocka_unit_test(refuses_what_is_no_message),
		cmocka_unit_test(keeps_the_laws),
		cmocka_unit_test(a_smart_host_is_named_by_the_reason),
		cmocka_unit_test(reasons_are_told_by_postfix_words),
		cmocka_unit_test(a_remedy_names_the_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
