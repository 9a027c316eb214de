/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields (RFC 5322 section 2.2), and addresses at one host in them. */
#include <stdio.h>

#include "base/mem.h"
#include "proto/mail_field.h"
#include "tests/testing.h"

#include "base/poison.h"

/* "name=value|" for each field; line ends in values as they are. */
static void fields(struct str mail, char *out, size_t cap)
{
	struct mail_field f;
	size_t n = 0;

	out[0] = '\0';
	while (mail_field_next(&mail, &f))
		n += (size_t)snprintf(out + n, cap - n, "%.*s=%.*s|",
			STR_ARG(f.name), STR_ARG(f.value));
}

static void headers(void **state)
{
	static const struct {
		const char *mail, *out;
	} rows[] = {
		{ "", "" },
		{ "\r\nTo: a\r\n", "" },
		{ "To: a\r\nCc:b\nX:\n\nTo: body\n", "To= a|Cc=b|X=|" },
		{ "To: a,\r\n b\r\n\tc\r\nX: y", "To= a,\r\n b\r\n\tc|X= y|" },
		{ "To:\r\n a\r\nX:\n\tb\n", "To=\r\n a|X=\n\tb|" },
		{ "no field\r\n folded\r\nTo: a", "To= a|" },
		{ ": none\nTo : a\n", "To= a|" },
		{ " folded first: x\nTo: a", "folded first= x|To= a|" },
		{ "To: a\r\n \r\n\r\nCc: b", "To= a\r\n |" },
	};
	char out[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fields(str_of(rows[i].mail), out, sizeof(out));
		if (strcmp(out, rows[i].out) != 0)
			fail_msg("row %zu: %s", i, out);
	}
}

static void fields_by_name(void **state)
{
	struct str mail = STR("To: a\nX: b\nTO: c\n\nTo: d\n"), value;

	(void)state;
	assert_true(mail_field_find(&mail, "to", &value));
	assert_str(value, " a");
	assert_true(mail_field_find(&mail, "to", &value));
	assert_str(value, " c");
	assert_false(mail_field_find(&mail, "to", &value));
}

static void addresses(void **state)
{
	static const struct {
		const char *value, *locals;
	} rows[] = {
		{ " a@rua.example", "a|" },
		{ "A <a+x@RUA.example>,\r\n b@rua.example", "a+x|b|" },
		{ "a@rua.example.com, a@xrua.example, a@rua.exampl", "" },
		{ "@rua.example <@rua.example>", "" },
		{ "\"q q\"@rua.example", "" },
		{ "a@b@rua.example", "b|" },
		{ "a@", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str value = str_of(rows[i].value), local;
		char out[200] = "";
		size_t n = 0;

		while (mail_field_local(&value, STR("rua.example"), &local))
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%.*s|",
				STR_ARG(local));
		if (strcmp(out, rows[i].locals) != 0)
			fail_msg("row %zu: %s", i, out);
	}
	assert_str(mail_field_address(STR(" <a@x.example>")), "a@x.example");
	assert_str(mail_field_address(STR("<>")), "");
	assert_str(mail_field_address(STR("a@ x")), "");
}

/* Each cut in a block of its own, so that a read beyond it is seen. */
static void cut_anywhere(void **state)
{
	static const char mail[] = "Delivered-To: a@rua.example\r\nTo: b@x,\r\n"
				   " c@rua.example\r\n\r\nbody";

	(void)state;
	for (size_t n = 0; n < sizeof(mail); n++) {
		char *copy = mem_must(n);
		struct str rest = { copy, n }, local;
		struct mail_field f;

		memcpy(copy, mail, n);
		while (mail_field_next(&rest, &f))
			while (mail_field_local(
				&f.value, STR("rua.example"), &local))
				assert_int_equal(local.n, 1);
		mem_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers),
		cmocka_unit_test(fields_by_name),
		cmocka_unit_test(addresses),
		cmocka_unit_test(cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
