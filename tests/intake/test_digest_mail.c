/* SPDX-License-Identifier: Apache-2.0 */
/* digest: mail, signed or not, and what that proves (promise 9). */
#include "tests/intake/digest_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "io/gzip.h"

#include "base/poison.h"

#define HEADER                                                                 \
	"From: tls@x.example\r\n"                                              \
	"Content-Type: application/tlsrpt+json\r\n"

static struct str mail_of(struct place *p, const char *signer, const char *body)
{
	struct str sign = STR("");

	if (signer != NULL && p->signer.a == NULL)
		signer_init(&p->signer, p->a, 1000);
	if (signer != NULL)
		sign = signer_sign(&p->signer, signer, HEADER, body, false);
	return arena_fmt(p->a, "%.*s" HEADER "\r\n%s", STR_ARG(sign), body);
}

static void put_mail(
	struct place *p, const char *signer, const char *id, const char *body)
{
	put(p, SPOOL_MAIL, id, mail_of(p, signer, body));
	assert_int_equal(run(p), 1);
}

/* Mails that are read together have their keys looked up together. */
static void a_key_is_looked_up_once(void **state)
{
	struct place *p = *state;

	put(p, SPOOL_MAIL, LABEL,
		mail_of(p, "x.example", REPORT("1", "1") "\r\n"));
	put(p, SPOOL_MAIL, LABEL,
		mail_of(p, "x.example", REPORT("2", "1") "\r\n"));
	put(p, SPOOL_MAIL, LABEL,
		mail_of(p, "z.example", REPORT("3", "1") "\r\n"));
	assert_int_equal(run(p), 3);
	assert_int_equal(p->keys_asked, 2);
	for (size_t i = 0; i < 2; i++)
		assert_str(reports(p, 2)[i].proof, "dkim:x.example");
	put_mail(p, "x.example", LABEL, REPORT("4", "1") "\r\n");
	assert_int_equal(p->keys_asked, 3);
}

/* Some 200 KB of gzip would make 100 MB of rows. */
static void reports_have_so_much_room_in_an_hour(void **state)
{
	struct place *p = *state;
	struct sbuf b = sbuf_arena(p->a, 16u << 20);
	struct str bomb, text = STR(REPORT("9", "1"));
	char *pad = arena_alloc(p->a, 600);
	ptrdiff_t end = str_index(text, '[');
	size_t done;

	memset(pad, 'x', 599);
	/* The same policy many times, with a long reason in each. */
	sbuf_add(&b, str_upto(text, (size_t)end + 1));
	for (int i = 0; i < 900; i++)
		sbuf_fmt(&b,
			"%s{\"policy\":{\"policy-type\":\"sts\","
			"\"policy-string\":[\"%s\",\"%s\",\"%s\",\"%s\"],"
			"\"policy-domain\":\"y.example\"},"
			"\"summary\":{\"total-successful-session-count\":1,"
			"\"total-failure-session-count\":0}}",
			i > 0 ? "," : "", pad, pad, pad, pad);
	sbuf_addz(&b, "]}");
	bomb = sbuf_str(&b);
	p->d.budget = digest_budget_new();
	for (uint64_t n = 0; n < DIGEST_BUDGET_BYTES + bomb.n; n += bomb.n)
		put(p, SPOOL_POST, LABEL,
			arena_fmt(p->a, "%.*s%*s", STR_ARG(bomb),
				(int)(1 + n / bomb.n), ""));
	OK(digest_run(&p->d, 100, &done, &p->e));
	assert_true(files(p, SPOOL_BAD) > 0);
	assert_true(files(p, SPOOL_DONE) > 5);
	/* Those of others have their own. */
	put(p, SPOOL_MAIL, LABEL,
		mail_of(p, "x.example", REPORT("8", "1") "\r\n"));
	assert_int_equal(run(p), 1);
	assert_str(reports_in(p, STORE_REPORT_ACCEPTED, files(p, SPOOL_DONE))[0]
			   .proof,
		"dkim:x.example");
	digest_budget_free(&p->d.budget);
}

static void a_signed_mail_is_proven(void **state)
{
	struct place *p = *state;
	struct store_report *r;

	put_mail(p, "x.example", LABEL, REPORT("1", "1") "\r\n");
	r = reports(p, 1);
	assert_str(r->via, "mail");
	assert_str(r->proof, "dkim:x.example");
	assert_str(r->dkim, "pass");
	assert_str(r->dkim_domain, "x.example");
	assert_true(r->dkim_aligned);
	/* It comes again: the same and packed anew. */
	put_mail(p, "x.example", LABEL, REPORT("1", "1") "\r\n");
	put_mail(p, "x.example", LABEL, REPORT("1", "1") "\r\n\r\n \r\n");
	(void)reports(p, 1);
	(void)reports_in(p, STORE_REPORT_QUARANTINED, 0);
}

static void what_nothing_proves_is_in_quarantine(void **state)
{
	static const struct {
		const char *what, *signer, *dkim, *why;
		bool break_it;
	} rows[] = {
		{ "unsigned", NULL, "none", "not signed (RFC 8460 section 3)",
			false },
		{ "signed by another", "evil.example", "pass",
			"signed by another than who reports", false },
		{ "signed below", "a.x.example", "pass",
			"signed by another than who reports", false },
		{ "changed", "x.example", "fail", "the text was changed",
			true },
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str mail = mail_of(
			p, rows[i].signer, REPORT("1", "1") "\r\n");
		struct store_report *r;

		if (rows[i].break_it) /* the 7 successes become 5 */
			((char *)memmem(mail.p, mail.n, ":7", 2))[1] = '5';
		put(p, SPOOL_MAIL, LABEL, mail);
		assert_int_equal(run(p), 1);
		r = reports_in(p, STORE_REPORT_QUARANTINED, i + 1);
		assert_str(r->proof, "");
		assert_str(r->dkim, rows[i].dkim);
		assert_str(r->why, rows[i].why);
		(void)reports(p, 0);
	}
	assert_int_equal(files(p, SPOOL_DONE), 4);
}

/*
 * Servers sign much that strangers wrote: a bounce quotes it, a note begins
 * with it. What was signed then must not be read as a report of the server.
 */
static void a_signature_over_a_quote_proves_nothing(void **state)
{
#define FROM "From: tls@x.example\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n"
#define PART                                                                   \
	"--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n" REPORT(         \
		"1", "1") "\r\n--b--\r\n"
#define BOUNCE                                                                 \
	"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: z@evil.example\r\n"  \
	"Content-Type: application/tlsrpt+json\r\n\r\n" REPORT(                \
		"1", "1") "\r\n--b--\r\n"
#define BOUNCE_AND_MORE                                                        \
	"--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n{}\r\n" BOUNCE
	static const struct {
		const char *header, *unsigned_header, *body, *why;
	} rows[] = {
		{ FROM, MIXED, "Somebody wrote:\r\n" PART,
			"Content-Type says where the report is, and is not "
			"signed" },
		{ FROM MIXED, "", BOUNCE, "not signed (RFC 8460 section 3)" },
		{ FROM MIXED, "", BOUNCE_AND_MORE,
			"the report is in a mail that the signed one quotes" },
		{ FROM MIXED, "", PART, NULL },
		{ FROM, MIXED, PART, NULL },
		{ FROM MIXED, "", "A text, and then:\r\n" PART, NULL },
	};
	struct place *p = *state;
	size_t bad = 0;

	signer_init(&p->signer, p->a, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str sign = signer_sign(&p->signer, "x.example",
			rows[i].header, rows[i].body, false);

		put(p, SPOOL_MAIL, LABEL,
			arena_fmt(p->a, "%.*s%s%s\r\n%s", STR_ARG(sign),
				rows[i].header, rows[i].unsigned_header,
				rows[i].body));
		assert_int_equal(run(p), 1);
		if (rows[i].why == NULL)
			continue;
		assert_str(reports_in(p, STORE_REPORT_QUARANTINED, ++bad)->why,
			rows[i].why);
	}
	assert_str(reports(p, 1)->proof, "dkim:x.example");
}

/* The mail as a whole, sent on by somebody in a mail of his own. */
static struct str sent_on(struct place *p, struct str mail)
{
	return arena_fmt(p->a,
		"From: me@y.example\r\n"
		"Content-Type: multipart/mixed; boundary=o\r\n\r\n"
		"--o\r\nContent-Type: text/plain\r\n\r\nLook:\r\n"
		"--o\r\nContent-Type: message/rfc822\r\n"
		"Content-Disposition: inline\r\n\r\n%.*s\r\n--o--\r\n",
		STR_ARG(mail));
}

#define TWO_PARTS                                                              \
	"This is MIME.\r\n--b\r\nContent-Type: text/plain\r\n\r\nA report. "   \
	"\r\n"                                                                 \
	"--b\r\ncontent-type:application/tlsrpt+json\r\n"                      \
	"Content-Transfer-Encoding: 7bit\r\n\r\n" REPORT(                      \
		"1", "1") "\r\n--b--\r\nlast words\r\n"

static void a_mail_sent_on_is_proven_by_its_own_signature(void **state)
{
	struct place *p = *state;
	struct str mail, changed, sign;

	signer_init(&p->signer, p->a, 1000);
	sign = signer_sign(
		&p->signer, "x.example", FROM MIXED, TWO_PARTS, false);
	mail = arena_fmt(
		p->a, "%.*s" FROM MIXED "\r\n" TWO_PARTS, STR_ARG(sign));
	changed = arena_str(p->a, mail);
	((char *)memmem(changed.p, changed.n, "A report", 8))[0] = 'a';
	put(p, SPOOL_MAIL, LABEL, sent_on(p, changed));
	assert_int_equal(run(p), 1);
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"the text was changed");
	/* Once, and by somebody who was sent it so. */
	put(p, SPOOL_MAIL, LABEL, sent_on(p, mail));
	assert_int_equal(run(p), 1);
	assert_str(reports(p, 1)->proof, "dkim:x.example");
	put(p, SPOOL_MAIL, LABEL, sent_on(p, sent_on(p, mail)));
	assert_int_equal(run(p), 1);
	(void)reports(p, 1); /* the same report */
	(void)reports_in(p, STORE_REPORT_QUARANTINED, 1);
}

/* A header that ends earlier for who reads than for who checks. */
static void line_ends_of_two_kinds_prove_nothing(void **state)
{
	struct place *p = *state;
	struct str note = mail_of(p, "x.example", "Hello\r\n");
	struct sbuf b = sbuf_arena(p->a, 65536);

	sbuf_addz(&b, "Content-Type: multipart/mixed; boundary=b\n\r\n"
		      "--b\nContent-Type: application/tlsrpt+json\n\r\n");
	sbuf_addz(&b, REPORT("1", "9") "\n--b--\n");
	for (size_t i = 0; i < note.n; i++)
		if (note.p[i] != '\r')
			sbuf_addc(&b, note.p[i]);
	put(p, SPOOL_MAIL, LABEL, sbuf_str(&b));
	assert_int_equal(run(p), 1);
	(void)reports_in(p, STORE_REPORT_QUARANTINED, 1);
	note = mail_of(p, "x.example", REPORT("1", "9") "\r\n");
	put(p, SPOOL_MAIL, LABEL, arena_fmt(p->a, "X: y\n%s", note.p));
	assert_int_equal(run(p), 1);
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 2)->why,
		"some lines end in CR LF, others in LF");
	(void)reports(p, 0);
}

/* Whatever comes before or after it, the real report is there, as it was. */
static void a_forged_report_hides_and_replaces_none(void **state)
{
	struct place *p = *state;
	struct store_report *r;

	put_mail(p, NULL, LABEL, REPORT("1", "9") "\r\n");
	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "9")));
	assert_int_equal(run(p), 1);
	put_mail(p, "evil.example", LABEL, REPORT("1", "9") "\r\n");
	put_mail(p, "x.example", LABEL, REPORT("1", "1") "\r\n");
	put_mail(p, NULL, LABEL, REPORT("1", "8") "\r\n");
	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "8")));
	(void)run(p);
	put_mail(p, "evil.example", LABEL, REPORT("1", "8") "\r\n");
	/* The real one took the place of the POST that came first. */
	r = reports(p, 1);
	assert_str(r->proof, "dkim:x.example");
	assert_int_equal(r->policies[0].failed, 1);
	(void)reports_in(p, STORE_REPORT_QUARANTINED, 2);
}

static void the_tenants_rule_decides(void **state)
{
	struct store_report_rule rule = { STORE_REPORT_ACCEPTED,
		STORE_REPORT_IGNORED };
	struct place *p = *state;

	OK(store_report_rule_put(
		p->d.store, STORE_TENANT_DEFAULT, &rule, &p->e));
	put_mail(p, NULL, LABEL, REPORT("1", "1") "\r\n");
	put(p, SPOOL_POST, LABEL, STR(REPORT("2", "1")));
	assert_int_equal(run(p), 1);
	assert_str(reports(p, 1)->report_id, "1");
	assert_str(reports_in(p, STORE_REPORT_IGNORED, 1)->report_id, "2");
}

/* A name server that is down must cost no proof. */
static void a_mail_waits_for_its_key(void **state)
{
	struct place *p = *state;
	struct str mail = mail_of(p, "x.example", REPORT("1", "1") "\r\n");
	size_t done;

	p->key_st = ST_TEMP;
	put(p, SPOOL_MAIL, LABEL, mail);
	OK(digest_run(&p->d, 9, &done, &p->e));
	assert_int_equal(files(p, SPOOL_NEW), 1);
	p->key_st = ST_OK;
	p->now += DIGEST_LATER_MAX_S;
	assert_int_equal(run(p), 1);
	assert_str(reports(p, 1)->proof, "dkim:x.example");
	/* But not for ever. */
	p->key_st = ST_TEMP;
	put(p, SPOOL_MAIL, LABEL,
		mail_of(p, "x.example", REPORT("2", "1") "\r\n"));
	(void)run(p);
	assert_int_equal(files(p, SPOOL_NEW), 1);
	p->now = 1001 + DIGEST_KEY_WAIT_S;
	assert_int_equal(run(p), 1);
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"its key cannot be looked up");
}

/* Out of a mailbox, or replayed: its first day is long over. */
static void a_key_of_an_old_mail_has_an_hour(void **state)
{
	struct place *p = *state;

	p->key_st = ST_TEMP;
	p->now = 1001 + 2 * DIGEST_KEY_WAIT_S;
	put(p, SPOOL_MAIL, LABEL,
		mail_of(p, "x.example", REPORT("2", "1") "\r\n"));
	(void)run(p);
	assert_int_equal(files(p, SPOOL_NEW), 1);
	p->now += DIGEST_KEY_TRY_S;
	assert_int_equal(run(p), 1);
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"its key cannot be looked up");
}

#define FOREIGN                                                                \
	"{\"organization-name\":\"X\",\"contact-info\":\"tls@x.example\","     \
	"\"report-id\":\"2\",\"policies\":[{\"policy\":{\"policy-type\":"      \
	"\"sts\",\"policy-domain\":\"v.example\"},\"summary\":{}}]}"

static void a_mail_about_another_domain(void **state)
{
	struct place *p = *state;

	a_domain(p, "z.example", "zzzzzzzzzzzzzzzz");
	a_domain(p, "w.example", "wwwwwwwwwwwwwwww");
	/* Of the same tenant: it is sorted where it belongs. */
	put_mail(p, "x.example", "zzzzzzzzzzzzzzzz", REPORT("1", "1") "\r\n");
	assert_str(reports(p, 1)->domain, "y.example");
	/* Of nobody here: somebody sent on what was signed for others. */
	put_mail(p, "x.example", "zzzzzzzzzzzzzzzz", FOREIGN "\r\n");
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"it is about v.example");
}

#define ABOUT(id, type, domain)                                                \
	"{\"organization-name\":\"X\",\"contact-info\":\"tls@x.example\","     \
	"\"report-id\":\"" id "\",\"policies\":[{\"policy\":{"                 \
	"\"policy-type\":\"" type "\",\"policy-domain\":\"" domain             \
	"\"},\"summary\":{}}]}"

/* TLSA policies name MX hosts, but a stranger's prove nothing. */
static void a_mail_about_hosts(void **state)
{
	static const char z[] = "zzzzzzzzzzzzzzzz";
	struct place *p = *state;

	a_domain(p, "z.example", z);
	put_mail(p, "x.example", z, ABOUT("1", "tlsa", "mx.z.example") "\r\n");
	assert_str(reports(p, 1)->domain, "z.example");
	put_mail(p, "x.example", z, ABOUT("2", "tlsa", "mx.v.example") "\r\n");
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"it is about mx.v.example");
}

/* Reports of the last days come when a domain is gone; its hosts are known. */
static void a_mail_about_hosts_of_a_removed_domain(void **state)
{
	static const char z[] = "zzzzzzzzzzzzzzzz";
	struct place *p = *state;
	struct store_domain d;

	a_domain(p, "z.example", z);
	OK(store_domain_get(p->d.store, p->a, STORE_TENANT_DEFAULT,
		STR("z.example"), &d, &p->e));
	d.mx = (struct store_strs){ (struct str[]){ STR("mx.v.example") }, 1 };
	d.removed = 1000;
	OK(store_domain_put(p->d.store, &d, &p->e));
	put_mail(p, "x.example", z, ABOUT("1", "tlsa", "mx.v.example") "\r\n");
	assert_str(reports(p, 1)->domain, "z.example");
	put_mail(p, "x.example", z, ABOUT("2", "tlsa", "mx.w.example") "\r\n");
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"it is about mx.w.example");
}

static void a_mail_about_nothing(void **state)
{
	static const char z[] = "zzzzzzzzzzzzzzzz";
	struct place *p = *state;

	a_domain(p, "z.example", z);
	put_mail(p, "x.example", z, ABOUT("1", "no-policy-found", "") "\r\n");
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"it is about no domain");
}

static void a_mailbox_tells_by_the_report(void **state)
{
	struct place *p = *state;
	struct store_bad_report *bad;
	size_t n;

	put_mail(p, "x.example", "@default", REPORT("1", "1") "\r\n");
	assert_str(reports(p, 1)->domain, "y.example");
	put_mail(p, "x.example", "@other", REPORT("1", "1") "\r\n");
	OK(store_bad_report_list(
		p->d.store, p->a, STR(""), 10, &bad, &n, &p->e));
	assert_int_equal(n, 1);
	assert_str(bad->reason, "it is about no domain of the tenant other");
}

/* An operator's word is not needed where there is a signature. */
static void an_imported_mail_keeps_its_proof(void **state)
{
	struct place *p = *state;

	put(p, SPOOL_IMPORT, "",
		mail_of(p, "x.example", REPORT("1", "1") "\r\n"));
	put(p, SPOOL_IMPORT, "", mail_of(p, NULL, REPORT("2", "1") "\r\n"));
	assert_int_equal(run(p), 2);
	for (int i = 0; i < 2; i++) {
		struct store_report *r = &reports(p, 2)[i];

		assert_str(r->proof, str_eq(r->report_id, STR("1"))
					     ? "dkim:x.example"
					     : "import");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_key_is_looked_up_once, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			reports_have_so_much_room_in_an_hour, place_setup,
			place_teardown),
		cmocka_unit_test_setup_teardown(
			a_signed_mail_is_proven, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			what_nothing_proves_is_in_quarantine, place_setup,
			place_teardown),
		cmocka_unit_test_setup_teardown(
			a_signature_over_a_quote_proves_nothing, place_setup,
			place_teardown),
		cmocka_unit_test_setup_teardown(
			line_ends_of_two_kinds_prove_nothing, place_setup,
			place_teardown),
		cmocka_unit_test_setup_teardown(
			a_mail_sent_on_is_proven_by_its_own_signature,
			place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			a_forged_report_hides_and_replaces_none, place_setup,
			place_teardown),
		cmocka_unit_test_setup_teardown(
			the_tenants_rule_decides, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			a_mail_waits_for_its_key, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			a_key_of_an_old_mail_has_an_hour, place_setup,
			place_teardown),
		cmocka_unit_test_setup_teardown(a_mail_about_another_domain,
			place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			a_mail_about_hosts, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			a_mail_about_hosts_of_a_removed_domain, place_setup,
			place_teardown),
		cmocka_unit_test_setup_teardown(
			a_mail_about_nothing, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(a_mailbox_tells_by_the_report,
			place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			an_imported_mail_keeps_its_proof, place_setup,
			place_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
