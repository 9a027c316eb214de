/* SPDX-License-Identifier: Apache-2.0 */
/* Whose report a mail from a mailbox is, by its header. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/sbuf.h"
#include "intake/mail_recipient.h"
#include "tests/testing.h"

#include "base/poison.h"

#define HERE "aaaaaaaaaaaaaaaa"
#define THERE "bbbbbbbbbbbbbbbb"

struct place {
	char dir[64];
	struct arena *a;
	struct store *s;
};

static void add(struct place *p, const char *tenant, const char *name,
	const char *label)
{
	struct store_domain d = { .tenant = str_of(tenant),
		.name = str_of(name),
		.label = str_of(label),
		.token = STR("t"),
		.max_age = 86400 };
	struct err e = {};

	if (store_domain_add(p->s, &d, &e) != ST_OK)
		fail_msg("%s", e.text);
}

static int setup(void **state)
{
	struct store_tenant acme = { STR("acme"), STR("Acme"), 1 };
	struct place *p = calloc(1, sizeof(*p));
	char path[100];
	struct err e = {};

	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/moat-recipient-XXXXXX");
	BUG(mkdtemp(p->dir) == NULL);
	(void)snprintf(path, sizeof(path), "%s/moat.db", p->dir);
	p->a = arena_must(0);
	assert_int_equal(store_open(path, &p->s, &e), ST_OK);
	assert_int_equal(store_tenant_add(p->s, &acme, &e), ST_OK);
	add(p, "default", "here.example", HERE);
	add(p, "acme", "there.example", THERE);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	static const char *const files[] = { "moat.db", "moat.db-wal",
		"moat.db-shm" };
	struct place *p = *state;
	char path[100];

	store_close(&p->s);
	arena_free(&p->a);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", p->dir, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(p->dir);
	free(p);
	return 0;
}

static void recipients(void **state)
{
	static const struct {
		const char *tenant, *mail, *id;
	} rows[] = {
		{ "", "To: " HERE "@rua.example\n", HERE },
		{ "", "To: AAAAAAAAaaaaaaaa+x@RUA.EXAMPLE\n", HERE },
		{ "", "To: x@y, <" THERE "@rua.example>\n", THERE },
		/* What the mail server noted goes before what was written. */
		{ "",
			"To: " HERE "@rua.example\n"
			"X-Original-To: " THERE "@rua.example\n",
			THERE },
		{ "",
			"X-Original-To: " HERE "@rua.example\n"
			"Delivered-To: box@x.example\n"
			"Delivered-To: " THERE "@rua.example\n",
			THERE },
		{ "", "To: cccccccccccccccc@rua.example\n", "@default" },
		{ "", "To: " HERE "@other.example\n", "@default" },
		{ "", "\nTo: " HERE "@rua.example\n", "@default" },
		{ "", "", "@default" },
		/* A tenant's mailbox is not for the IDs of another. */
		{ "acme", "To: " HERE "@rua.example\n", "@acme" },
		{ "acme", "To: " HERE "@rua.example, " THERE "@rua.example\n",
			THERE },
		{ "acme", "To: reports@acme.example\n", "@acme" },
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct mail_recipient_options o = { STR("rua.example"),
			str_of(rows[i].tenant) };
		struct err e = {};
		struct str id;

		assert_int_equal(mail_recipient_find(p->s, p->a, &o,
					 str_of(rows[i].mail), &id, &e),
			ST_OK);
		if (!str_eq(id, str_of(rows[i].id)))
			fail_msg("row %zu: %.*s", i, STR_ARG(id));
	}
}

/* However many addresses there are, they cost so many look-ups. */
static void many_addresses(void **state)
{
	struct mail_recipient_options o = { STR("rua.example"), STR("") };
	struct place *p = *state;
	struct sbuf b = sbuf_arena(p->a, 1u << 20);
	struct err e = {};
	struct str id;

	sbuf_addz(&b, "To: ");
	for (unsigned i = 0; i < MAIL_RECIPIENT_LOOKUPS_MAX; i++)
		sbuf_fmt(&b, "no%u@rua.example, ", i);
	sbuf_addz(&b, HERE "@rua.example\n");
	assert_int_equal(
		mail_recipient_find(p->s, p->a, &o, sbuf_str(&b), &id, &e),
		ST_OK);
	assert_str(id, "@default");
}

static void senders(void **state)
{
	(void)state;
	assert_str(mail_recipient_sender(
			   STR("Return-Path: <a@x.example>\nFrom: b@y\n")),
		"a@x.example");
	assert_str(mail_recipient_sender(STR("Return-Path: <>\n")), "");
	assert_str(mail_recipient_sender(STR("From: b@y\n")), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recipients),
		cmocka_unit_test(many_addresses),
		cmocka_unit_test(senders),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
