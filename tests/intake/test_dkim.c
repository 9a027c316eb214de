/* SPDX-License-Identifier: Apache-2.0 */
/* dkim, with mails that its library has signed and keys out of a table. */
#include "tests/testing.h"

#include "tests/intake/signer.h"

#include "base/mem.h"
#include "intake/dkim.h"

#include "base/poison.h"

#define NOW 1700000000
#define HEADER                                                                 \
	"From: TLS reports <tls@x.example>\r\n"                                \
	"To: id@rua.example\r\n"                                               \
	"Subject: Report Domain: y.example\r\n"
#define BODY "one\r\ntwo\r\n"

struct world {
	struct arena *a;
	struct signer signer;
	const char *key; /* what the TXT record says; NULL: none */
	enum status key_st;
	struct str key_name; /* what was asked for */
	unsigned asked;
};

static int setup(void **state)
{
	struct world *w = mem_must(sizeof(*w));

	w->a = arena_must(0);
	signer_init(&w->signer, w->a, NOW);
	w->key = w->signer.key;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	arena_free(&w->a);
	mem_free(w);
	return 0;
}

static struct str sign(
	struct world *w, const char *domain, const char *body, bool with_l)
{
	return signer_sign(&w->signer, domain, HEADER, body, with_l);
}

static enum status find_key(
	void *ctx, struct arena *a, struct str name, struct str *text)
{
	struct world *w = ctx;

	(void)a;
	w->asked++;
	w->key_name = arena_str(w->a, name);
	*text = str_of(w->key);
	return w->key_st;
}

static struct dkim_signatures check(struct world *w, struct str mail)
{
	struct dkim_signatures s = {};
	struct err e = {};

	w->asked = 0;
	if (dkim_mail_check(w->a, mail, NOW, find_key, w, &s, &e) != ST_OK)
		fail_msg("%s", e.text);
	return s;
}

static struct str signed_mail(struct world *w)
{
	return arena_fmt(w->a, "%s" HEADER "\r\n" BODY,
		sign(w, "x.example", BODY, false).p);
}

static void a_good_signature_passes(void **state)
{
	struct world *w = *state;
	struct str mail = signed_mail(w);
	struct dkim_signatures s = check(w, mail);
	struct sbuf lf = sbuf_arena(w->a, 65536);

	assert_int_equal(s.n, 1);
	assert_str(s.items[0].reason, "");
	assert_int_equal(s.items[0].result, DKIM_RESULT_PASS);
	assert_str(s.items[0].domain, "x.example");
	assert_str(w->key_name, "sel._domainkey.x.example");
	/* As a file of a mail box has it. */
	sbuf_addz(&lf, "From tls@x.example Sat Nov 21 00:00:00 2026\n");
	for (size_t i = 0; i < mail.n; i++)
		if (mail.p[i] != '\r')
			sbuf_addc(&lf, mail.p[i]);
	s = check(w, sbuf_str(&lf));
	assert_int_equal(s.items[0].result, DKIM_RESULT_PASS);
}

static void what_was_changed_fails(void **state)
{
	struct world *w = *state;
	struct str mail = signed_mail(w);
	struct dkim_signatures s;

	for (size_t i = mail.n - 12; i < mail.n - 2; i += 5) {
		struct str bad = arena_str(w->a, mail);

		((char *)(uintptr_t)bad.p)[i] ^= 1;
		s = check(w, bad);
		assert_int_equal(s.n, 1);
		assert_int_equal(s.items[0].result, DKIM_RESULT_FAIL);
		assert_true(s.items[0].reason.n > 0);
	}
	/* More after the end, and another subject. */
	s = check(w, arena_fmt(w->a, "%smore\r\n", mail.p));
	assert_int_equal(s.items[0].result, DKIM_RESULT_FAIL);
	s = check(w, arena_fmt(w->a, "%s" HEADER "\r\n" BODY,
			     sign(w, "x.example", "else\r\n", false).p));
	assert_int_equal(s.items[0].result, DKIM_RESULT_FAIL);
}

static void no_signature_is_none(void **state)
{
	struct world *w = *state;

	assert_int_equal(check(w, STR(HEADER "\r\n" BODY)).n, 0);
	assert_int_equal(check(w, STR("")).n, 0);
	assert_int_equal(check(w, STR("no header")).n, 0);
	assert_int_equal(w->asked, 0);
}

static void what_is_forbidden_does_not_count(void **state)
{
	struct world *w = *state;
	struct dkim_signatures s;

	s = check(w, arena_fmt(w->a, "%s" HEADER "\r\n" BODY "forged\r\n",
			     sign(w, "x.example", BODY, true).p));
	assert_int_equal(s.items[0].result, DKIM_RESULT_FAIL);
	assert_str(s.items[0].reason, "it has l= (RFC 8460 section 3)");
	w->signer.alg = DKIM_SIGN_RSASHA1;
	s = check(w, signed_mail(w));
	assert_int_equal(s.items[0].result, DKIM_RESULT_FAIL);
	assert_str(s.items[0].reason, "it is made with SHA-1 (RFC 8301)");
}

static void keys(void **state)
{
	struct world *w = *state;
	const char *good = w->key;
	struct str mail = signed_mail(w);
	const struct {
		const char *text;
		enum status st;
		enum dkim_result result;
	} rows[] = {
		{ arena_fmt(w->a, "%s; s=tlsrpt", good).p, ST_OK,
			DKIM_RESULT_PASS },
		{ arena_fmt(w->a, "s = tlsrpt ;%s", good).p, ST_OK,
			DKIM_RESULT_PASS },
		{ arena_fmt(w->a, "%s; s=email:tlsrpt;", good).p, ST_OK,
			DKIM_RESULT_PASS },
		{ arena_fmt(w->a, "%s; s=fax", good).p, ST_OK,
			DKIM_RESULT_FAIL },
		{ arena_fmt(w->a, "%s; t=y", good).p, ST_OK, DKIM_RESULT_FAIL },
		{ "v=DKIM1; p=", ST_OK, DKIM_RESULT_FAIL },
		{ "v=DKIM1; p=AAAA", ST_OK, DKIM_RESULT_FAIL },
		{ "", ST_OK, DKIM_RESULT_FAIL },
		{ NULL, ST_NOTFOUND, DKIM_RESULT_FAIL },
		{ NULL, ST_TEMP, DKIM_RESULT_TEMP },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dkim_signatures s;

		w->key = rows[i].text;
		w->key_st = rows[i].st;
		s = check(w, mail);
		assert_int_equal(s.n, 1);
		if (s.items[0].result != rows[i].result)
			fail_msg("row %zu: %s, %.*s", i,
				dkim_result_name(s.items[0].result),
				STR_ARG(s.items[0].reason));
	}
}

/* All are looked at, a broken one in front hides none; but not thousands. */
static void many_signatures(void **state)
{
	struct world *w = *state;
	struct str one = sign(w, "x.example", BODY, false);
	struct str two = sign(w, "other.example", BODY, false);
	struct sbuf b = sbuf_arena(w->a, 1u << 22);
	struct dkim_signatures s;

	sbuf_addz(&b, "DKIM-Signature: v=1; junk\r\n");
	sbuf_add(&b, two);
	sbuf_add(&b, one);
	sbuf_addz(&b, HEADER "\r\n" BODY);
	s = check(w, sbuf_str(&b));
	assert_int_equal(s.n, 3);
	assert_int_equal(s.items[0].result, DKIM_RESULT_FAIL);
	assert_str(s.items[1].domain, "other.example");
	assert_int_equal(s.items[1].result, DKIM_RESULT_PASS);
	assert_int_equal(s.items[2].result, DKIM_RESULT_PASS);

	b = sbuf_arena(w->a, 1u << 22);
	for (int i = 0; i < 900; i++)
		sbuf_add(&b, one);
	sbuf_addz(&b, HEADER "\r\n" BODY);
	s = check(w, sbuf_str(&b));
	assert_int_equal(s.n, DKIM_SIGNATURES_MAX);
	assert_true(w->asked <= DKIM_SIGNATURES_MAX);
}

static void too_many_fields(void **state)
{
	struct world *w = *state;
	struct sbuf b = sbuf_arena(w->a, 1u << 22);
	struct dkim_signatures s = {};
	struct err e = {};

	for (unsigned i = 0; i <= DKIM_FIELDS_MAX; i++)
		sbuf_addz(&b, "a: b\r\n");
	assert_int_equal(
		dkim_mail_check(w->a, sbuf_str(&b), NOW, find_key, w, &s, &e),
		ST_LIMIT);
}

static void cut_anywhere(void **state)
{
	struct world *w = *state;
	struct str mail = signed_mail(w);

	for (size_t n = 0; n < mail.n; n++) {
		char *copy = mem_must(n);
		struct dkim_signatures s;

		memcpy(copy, mail.p, n);
		s = check(w, (struct str){ copy, n });
		/* The last line end is no part of what was signed. */
		assert_true(n >= mail.n - 2 || s.n == 0 ||
			    s.items[0].result == DKIM_RESULT_FAIL);
		mem_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_good_signature_passes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_was_changed_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(
			no_signature_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_forbidden_does_not_count, setup, teardown),
		cmocka_unit_test_setup_teardown(keys, setup, teardown),
		cmocka_unit_test_setup_teardown(
			many_signatures, setup, teardown),
		cmocka_unit_test_setup_teardown(
			too_many_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(cut_anywhere, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
