/* SPDX-License-Identifier: Apache-2.0 */
/* What IMAP servers say (RFC 3501 sections 7 and 9), and what we ask. */
#include "proto/imap.h"
#include "tests/parser_laws.h"
#include "tests/testing.h"

#include "base/poison.h"

#define MAX 400u
#define FETCH                                                                  \
	"* 3 FETCH (FLAGS (\\Seen \\Deleted) UID 7 X (a (\"(\" {1}\r\n)) NIL)" \
	" RFC822.SIZE 12 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\""          \
	" BODY[] {13}\r\nA1 OK \r\n* 1\r\n)\r\n"

/* All responses of a text, cut into pieces of a size; the last status. */
static enum status read_all(
	struct arena *a, struct str text, size_t step, struct sbuf *out)
{
	struct imap_reader r;
	enum status st = ST_AGAIN;

	imap_reader_init(&r, a, MAX);
	for (; text.n > 0; text = str_from(text, step)) {
		struct str in = str_upto(text, step);

		while (in.n > 0) {
			st = imap_reader_take(&r, &in);
			if (st == ST_OK) {
				sbuf_add(out, sbuf_str(&r.text));
				sbuf_addc(out, '|');
				imap_reader_init(&r, a, MAX);
			} else if (st != ST_AGAIN) {
				return st;
			}
		}
	}
	return st;
}

static void responses_are_cut(void **state)
{
	static const struct {
		const char *text, *out;
		enum status st;
	} rows[] = {
		{ "* OK hello\r\na OK\r\n", "* OK hello\r\n|a OK\r\n|", ST_OK },
		{ "* 1 X {3}\r\na\nb c\r\n+ go\r\n",
			"* 1 X {3}\r\na\nb c\r\n|+ go\r\n|", ST_OK },
		{ "* X {0}\r\n{2}\r\nab\r\n", "* X {0}\r\n{2}\r\nab\r\n|",
			ST_OK },
		/* Text for people has no literals. */
		{ "* NO see {9}\r\na OK {5}\r\n",
			"* NO see {9}\r\n|a OK {5}\r\n|", ST_OK },
		{ "* X {+1}\r\n* X {1 }\r\n", "* X {+1}\r\n|* X {1 }\r\n|",
			ST_OK },
		{ FETCH, FETCH "|", ST_OK },
		{ "* X {5}\r\nab", "", ST_AGAIN },
		{ "* X\n", "", ST_INVALID },
		{ "\n", "", ST_INVALID },
		/* Refused as soon as it is said. */
		{ "* X {400}\r\n", "", ST_LIMIT },
		{ "* X {18446744073709551615}\r\n", "", ST_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t step = 1; step < 99; step++) {
			struct arena *a = arena_must(0);
			struct sbuf out = sbuf_arena(a, 4096);
			enum status st = read_all(
				a, str_of(rows[i].text), step, &out);

			if (st != rows[i].st ||
				!str_eq(sbuf_str(&out), str_of(rows[i].out)))
				fail_msg("row %zu, step %zu", i, step);
			arena_free(&a);
		}
}

static void an_endless_line_is_cut_off(void **state)
{
	char text[MAX + 10];
	struct arena *a = arena_must(0);
	struct sbuf out = sbuf_arena(a, 4096);

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(
		read_all(a, (struct str){ text, sizeof(text) }, 1, &out),
		ST_LIMIT);
	arena_free(&a);
}

static void statuses(void **state)
{
	static const struct {
		const char *text;
		enum imap_kind kind;
		const char *tag, *code, *said;
		uint32_t number;
	} rows[] = {
		{ "a1 OK done\r\n", IMAP_OK, "a1", "", "done" },
		{ "a1 ok\r\n", IMAP_OK, "a1", "", "" },
		{ "a1 NO [TRYCREATE] no such box\r\n", IMAP_NO, "a1",
			"TRYCREATE", "no such box" },
		{ "a1 BAD [] what?\r\n", IMAP_BAD, "a1", "", "what?" },
		{ "* BYE [ALERT] off\r\n", IMAP_BYE, "", "ALERT", "off" },
		{ "* OK [UIDVALIDITY 7] x]\r\n", IMAP_STATUS, "",
			"UIDVALIDITY 7", "x]" },
		{ "* PREAUTH hi\r\n", IMAP_STATUS, "", "", "hi" },
		{ "* CAPABILITY IMAP4rev1 MOVE\r\n", IMAP_CAPABILITY, "", "",
			"IMAP4rev1 MOVE" },
		{ "+ \r\n", IMAP_GO_ON, "", "", "" },
		{ "* 23 EXISTS\r\n", IMAP_EXISTS, "", "", "", 23 },
		{ "* 23 EXPUNGE\r\n", IMAP_OTHER, "", "", "", 23 },
		{ "* FLAGS (\\Seen)\r\n", IMAP_OTHER, "", "", "" },
		{ "* SEARCH\r\n", IMAP_OTHER, "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_must(0);
		struct imap_response r;

		assert_int_equal(
			imap_response_parse(a, str_of(rows[i].text), &r, NULL),
			ST_OK);
		assert_int_equal(r.kind, rows[i].kind);
		assert_str(r.tag, rows[i].tag);
		assert_str(r.code, rows[i].code);
		assert_str(r.text, rows[i].said);
		assert_int_equal(r.number, rows[i].number);
		arena_free(&a);
	}
}

static void a_fetch_is_read(void **state)
{
	struct arena *a = arena_must(0);
	struct imap_response r;

	(void)state;
	assert_int_equal(imap_response_parse(a, STR(FETCH), &r, NULL), ST_OK);
	assert_int_equal(r.kind, IMAP_FETCH);
	assert_int_equal(r.number, 3);
	assert_int_equal(r.mail.uid, 7);
	assert_int_equal(r.mail.size, 12);
	assert_true(r.mail.deleted);
	assert_true(r.mail.has_body);
	assert_str(r.mail.body, "A1 OK \r\n* 1\r\n");
	assert_int_equal(r.mail.received.s, 837596665); /* 09:44:25 UTC */
	assert_int_equal(imap_response_parse(a,
				 STR("* 1 FETCH (UID 5 BODY[] \"a\\\"b\\\\\" "
				     "INTERNALDATE"
				     " \" 7-Feb-2024 00:00:60 +0130\")\r\n"),
				 &r, NULL),
		ST_OK);
	assert_str(r.mail.body, "a\"b\\");
	assert_int_equal(r.mail.received.s, 1707258659);
	assert_false(r.mail.deleted);
	assert_int_equal(imap_response_parse(a,
				 STR("* 1 FETCH (BODY[] NIL)\r\n"), &r, NULL),
		ST_OK);
	assert_true(r.mail.has_body);
	assert_int_equal(r.mail.body.n, 0);
	arena_free(&a);
}

static void what_is_no_imap(void **state)
{
	static const char *const rows[] = { "", "x", "\r\n", " \r\n", "a\r\n",
		"a YES\r\n", "* \r\n", "* 4294967296 EXISTS\r\n",
		"* 1x FETCH ()\r\n", "* 1 FETCH\r\n", "* 1 FETCH (\r\n",
		"* 1 FETCH (UID\r\n", "* 1 FETCH (UID 0)\r\n",
		"* 1 FETCH (UID x)\r\n", "* 1 FETCH (UID 1) x\r\n",
		"* 1 FETCH (RFC822.SIZE -1)\r\n",
		"* 1 FETCH (FLAGS \\Seen)\r\n", "* 1 FETCH (FLAGS (a\r\n",
		"* 1 FETCH (BODY[] \"a)\r\n", "* 1 FETCH (BODY[] {3}\r\na)\r\n",
		"* 1 FETCH (BODY[] \"a\\\r\n",
		"* 1 FETCH (INTERNALDATE \"17-Xyz-1996 02:44:25 -0700\")\r\n",
		"* 1 FETCH (INTERNALDATE \"31-Feb-1996 02:44:25 -0700\")\r\n",
		"* 1 FETCH (INTERNALDATE \"\")\r\n",
		"* 1 FETCH (X ((((((((((((((((()))))))))))))))))\r\n",
		"* 1 FETCH (X (a)\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_must(0);
		struct imap_response r;

		if (imap_response_parse(a, str_of(rows[i]), &r, NULL) !=
			ST_INVALID)
			fail_msg("%s", rows[i]);
		arena_free(&a);
	}
}

static enum status parse_law(struct arena *a, struct str text)
{
	struct imap_response r;

	return imap_response_parse(a, text, &r, NULL);
}

static void laws(void **state)
{
	(void)state;
	law_truncated(parse_law, STR(FETCH));
	law_no_memory(parse_law,
		STR("* 1 FETCH (UID 1 X \"1\" BODY[] \"0123456789\")\r\n"));
}

static void arguments(void **state)
{
	static const uint32_t uids[] = { 2, 4, 5, 6, 9, 10, UINT32_MAX };
	char room[100];
	struct sbuf b = sbuf_fixed(room, sizeof(room));

	(void)state;
	assert_int_equal(imap_quote(&b, STR("a \"b\\c")), ST_OK);
	assert_str(sbuf_str(&b), "\"a \\\"b\\\\c\"");
	assert_int_equal(imap_quote(&b, STR("a\r\nb")), ST_INVALID);
	assert_int_equal(imap_quote(&b, STR("\xc3\xa4")), ST_INVALID);
	b = sbuf_fixed(room, sizeof(room));
	imap_set_write(&b, uids, sizeof(uids) / sizeof(*uids));
	assert_str(sbuf_str(&b), "2,4:6,9:10,4294967295");
	assert_true(imap_is_set(sbuf_str(&b)));
	assert_false(imap_is_set(STR("")));
	assert_false(imap_is_set(STR("1,")));
	assert_false(imap_is_set(STR("0")));
	assert_false(imap_is_set(STR("3:2")));
	assert_false(imap_is_set(STR("1:*")));
	assert_false(imap_is_set(STR("1 x")));
	assert_true(imap_has_word(STR("IMAP4 Move X"), STR("MOVE")));
	assert_false(imap_has_word(STR("IMAP4 MOVED"), STR("MOVE")));
	assert_int_equal(
		imap_code_number(STR("UIDVALIDITY 7"), STR("UIDVALIDITY")), 7);
	assert_int_equal(
		imap_code_number(STR("UIDVALIDITY"), STR("UIDVALIDITY")), 0);
	assert_int_equal(
		imap_code_number(STR("UIDNEXT 7"), STR("UIDVALIDITY")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responses_are_cut),
		cmocka_unit_test(an_endless_line_is_cut_off),
		cmocka_unit_test(statuses),
		cmocka_unit_test(a_fetch_is_read),
		cmocka_unit_test(what_is_no_imap),
		cmocka_unit_test(laws),
		cmocka_unit_test(arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
