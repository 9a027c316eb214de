/* SPDX-License-Identifier: Apache-2.0 */
/* dkim: libopendkim behind a small door. */
#include <stdbool.h>
#include <string.h>

#include <opendkim/dkim.h>

#include "base/bug.h"
#include "base/sbuf.h"
#include "intake/dkim.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

static const char *const result_names[] = {
	[DKIM_RESULT_NONE] = "none",
	[DKIM_RESULT_FAIL] = "fail",
	[DKIM_RESULT_TEMP] = "temp",
	[DKIM_RESULT_PASS] = "pass",
};

/* One mail being checked; the library's callbacks get it as context. */
struct check {
	struct arena *arena;
	dkim_key_fn *key;
	void *ctx;
	struct dkim_signatures *out;
	unsigned types; /* Content-Type fields */
	bool no_memory;
};

const char *dkim_result_name(enum dkim_result r)
{
	return result_names[r];
}

enum dkim_result dkim_result_parse(struct str name)
{
	for (int r = DKIM_RESULT_FAIL; r <= DKIM_RESULT_PASS; r++)
		if (str_eq(name, str_of(result_names[r])))
			return (enum dkim_result)r;
	return DKIM_RESULT_NONE;
}

/* ---- keys ---- */

static bool lists_word(struct str list, struct str word)
{
	while (list.p != NULL)
		if (str_eq_nocase(str_trim(str_cut(&list, ':')), word))
			return true;
	return false;
}

/* Is the tag "s=tlsrpt", which the library holds to be no key for mail? */
static bool is_tlsrpt_service(struct str tag)
{
	struct str value = tag, name = str_trim(str_cut(&value, '='));

	return str_eq(name, STR("s")) && lists_word(value, STR("tlsrpt"));
}

/* The key without that tag (RFC 8460 section 3), as a C string. */
static bool write_key(struct str text, unsigned char *buf, size_t cap)
{
	struct sbuf b = sbuf_fixed((char *)buf, cap - 1);

	while (text.p != NULL) {
		struct str tag = str_cut(&text, ';');

		if (is_tlsrpt_service(tag))
			continue;
		sbuf_add(&b, tag);
		if (text.p != NULL)
			sbuf_addc(&b, ';');
	}
	buf[b.n] = '\0';
	return sbuf_ok(&b) && strlen((char *)buf) == b.n;
}

static DKIM_CBSTAT on_key(
	DKIM *dkim, DKIM_SIGINFO *sig, unsigned char *buf, size_t cap)
{
	struct check *c = dkim_get_user_context(dkim);
	struct str name = arena_fmt(c->arena, "%s.%s.%s",
		(char *)dkim_sig_getselector(sig), DKIM_DNSKEYNAME,
		(char *)dkim_sig_getdomain(sig));
	struct str text = {};
	enum status st;

	if (name.p == NULL) {
		c->no_memory = true;
		return DKIM_CBSTAT_ERROR;
	}
	if (!tlsrpt_is_domain(str_of((char *)dkim_sig_getdomain(sig))))
		return DKIM_CBSTAT_NOTFOUND;
	st = c->key(c->ctx, c->arena, name, &text);
	if (st != ST_OK)
		return st == ST_NOTFOUND ? DKIM_CBSTAT_NOTFOUND
					 : DKIM_CBSTAT_TRYAGAIN;
	if (text.n > DKIM_KEY_BYTES_MAX || !write_key(text, buf, cap))
		return DKIM_CBSTAT_NOTFOUND;
	return DKIM_CBSTAT_CONTINUE;
}

/* ---- signatures ---- */

/* What a signature that holds lacks to count; NULL: nothing. */
static const char *objection(DKIM_SIGINFO *sig)
{
	dkim_alg_t alg = DKIM_SIGN_UNKNOWN;
	unsigned char l[] = "l";

	if (dkim_sig_gettagvalue(sig, false, l) != NULL)
		return "it has l= (RFC 8460 section 3)";
	if (dkim_sig_getsignalg(sig, &alg) != DKIM_STAT_OK ||
		alg == DKIM_SIGN_RSASHA1)
		return "it is made with SHA-1 (RFC 8301)";
	if ((dkim_sig_getflags(sig) & DKIM_SIGFLAG_TESTKEY) != 0)
		return "its key is for tests (RFC 6376 section 3.6.1)";
	return NULL;
}

static struct dkim_signature judge(DKIM *dkim, DKIM_SIGINFO *sig)
{
	struct dkim_signature s = { .result = DKIM_RESULT_FAIL };
	DKIM_STAT stat = dkim_sig_process(dkim, sig);
	const char *why = NULL;

	if (stat == DKIM_STAT_CBTRYAGAIN) {
		s.result = DKIM_RESULT_TEMP;
		why = "its key cannot be looked up";
	} else if (stat == DKIM_STAT_OK && DKIM_SIG_CHECK(sig)) {
		why = objection(sig);
		s.result = why == NULL ? DKIM_RESULT_PASS : DKIM_RESULT_FAIL;
	} else if ((dkim_sig_getflags(sig) & DKIM_SIGFLAG_PASSED) != 0) {
		why = "the text was changed";
	} else {
		why = dkim_sig_geterrorstr(dkim_sig_geterror(sig));
	}
	s.reason = str_of(why);
	return s;
}

static struct str domain_of(struct check *c, DKIM_SIGINFO *sig)
{
	struct str d = arena_str(
		c->arena, str_of((char *)dkim_sig_getdomain(sig)));
	char *p = (char *)(uintptr_t)d.p;

	c->no_memory |= p == NULL;
	if (p == NULL || !tlsrpt_is_domain(d))
		return STR("");
	for (size_t i = 0; i < d.n; i++)
		p[i] = chr_lower(p[i]);
	return d;
}

/* The body is known and hashed: all signatures are looked at, not only one. */
static DKIM_CBSTAT on_final(DKIM *dkim, DKIM_SIGINFO **sigs, int n)
{
	struct check *c = dkim_get_user_context(dkim);
	unsigned char type[] = "Content-Type";

	for (int i = 0; i < n && c->out->n < DKIM_SIGNATURES_MAX; i++) {
		struct dkim_signature s = judge(dkim, sigs[i]);

		s.domain = domain_of(c, sigs[i]);
		s.type_signed = c->types == 1 &&
				dkim_sig_hdrsigned(sigs[i], type);
		c->out->items[c->out->n++] = s;
	}
	return DKIM_CBSTAT_CONTINUE;
}

static DKIM_LIB *library(void)
{
	static DKIM_LIB *lib;
	unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC |
			 DKIM_LIBFLAGS_BADSIGHANDLES;

	if (lib != NULL)
		return lib;
	lib = dkim_init(NULL, NULL);
	BUG(lib == NULL);
	(void)dkim_set_key_lookup(lib, on_key);
	(void)dkim_set_final(lib, on_final);
	(void)dkim_options(
		lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof(flags));
	return lib;
}

/* ---- the mail ---- */

/*
 * With CR LF, as it was signed; files of mail boxes have lost them. false: some
 * lines end so, some so, and the header might end elsewhere for another reader.
 */
static bool with_crlf(struct check *c, struct str *io)
{
	size_t lines = 0, crlf = 0;
	struct str mail = *io;
	struct sbuf b;

	for (struct str rest = mail; rest.n > 0;) {
		struct str line = str_cut(&rest, '\n');

		lines += rest.p != NULL;
		crlf += rest.p != NULL && str_ends(line, STR("\r"));
	}
	if (crlf > 0 || lines == 0)
		return crlf == lines;
	b = sbuf_arena(c->arena, mail.n * 2);
	for (struct str rest = mail; rest.n > 0;) {
		struct str line = str_cut(&rest, '\n');

		sbuf_add(&b, line);
		if (rest.p != NULL)
			sbuf_addz(&b, "\r\n");
	}
	c->no_memory |= !sbuf_ok(&b);
	*io = sbuf_str(&b);
	return true;
}

/* Where the line that begins s ends, with its line end. */
static size_t line_end(struct str s)
{
	ptrdiff_t lf = str_index(s, '\n');

	return lf < 0 ? s.n : (size_t)lf + 1;
}

static struct str without_line_end(struct str s)
{
	if (str_ends(s, STR("\n")))
		s.n--;
	if (str_ends(s, STR("\r")))
		s.n--;
	return s;
}

/* Takes a header field with its folded lines; empty: the header ends. */
static struct str take_field(struct str *rest)
{
	struct str all = *rest;
	size_t n = line_end(all);

	if (without_line_end(str_upto(all, n)).n == 0) {
		*rest = str_from(all, n);
		return (struct str){};
	}
	while (n < all.n && (all.p[n] == ' ' || all.p[n] == '\t'))
		n += line_end(str_from(all, n));
	*rest = str_from(all, n);
	return without_line_end(str_upto(all, n));
}

static bool has_name(struct str field, struct str name)
{
	return str_eq_nocase(str_trim(str_cut(&field, ':')), name);
}

/* false: too many fields. *signs: how many signatures there are. */
static bool feed_header(
	struct check *c, DKIM *dkim, struct str *mail, size_t *signs)
{
	struct str field;

	*signs = 0;
	for (unsigned n = 0; (field = take_field(mail)).n > 0; n++) {
		if (n == DKIM_FIELDS_MAX)
			return false;
		if (has_name(field, STR(DKIM_SIGNHEADER)) &&
			++*signs > DKIM_SIGNATURES_MAX)
			continue;
		c->types += has_name(field, STR("Content-Type"));
		/* What is no header field was not signed as one. */
		(void)dkim_header(
			dkim, (unsigned char *)(uintptr_t)field.p, field.n);
	}
	return true;
}

static enum status run(
	struct check *c, DKIM *dkim, struct str mail, struct err *e)
{
	size_t signs;
	DKIM_STAT stat;

	if (!feed_header(c, dkim, &mail, &signs))
		return err_set(e, ST_LIMIT,
			"the mail has more than %u header fields",
			DKIM_FIELDS_MAX);
	if (signs == 0)
		return ST_OK;
	stat = dkim_eoh(dkim);
	if (stat == DKIM_STAT_OK && mail.n > 0)
		stat = dkim_body(
			dkim, (unsigned char *)(uintptr_t)mail.p, mail.n);
	if (stat == DKIM_STAT_OK)
		(void)dkim_eom(dkim, NULL); /* on_final has seen them all */
	/* Whatever there was, it is none that holds. */
	if (c->out->n == 0)
		c->out->items[c->out->n++] =
			(struct dkim_signature){ .result = DKIM_RESULT_FAIL,
				.domain = STR(""),
				.reason = STR("it is malformed (RFC 6376 "
					      "section 3.5)") };
	return ST_OK;
}

enum status dkim_mail_check(struct arena *a, struct str mail, int64_t at,
	dkim_key_fn *key, void *ctx, struct dkim_signatures *out, struct err *e)
{
	static const unsigned char id[] = "report";
	struct dkim_signatures found = {};
	bool same_ends;
	struct check c = { .arena = a, .key = key, .ctx = ctx, .out = &found };
	DKIM_LIB *lib = library();
	uint64_t now = (uint64_t)at;
	enum status st;
	DKIM_STAT stat;
	DKIM *dkim;

	if (str_starts(mail, STR("From "))) /* of a mail box */
		mail = str_from(mail, line_end(mail));
	same_ends = with_crlf(&c, &mail);
	(void)dkim_options(
		lib, DKIM_OP_SETOPT, DKIM_OPTS_FIXEDTIME, &now, sizeof(now));
	dkim = dkim_verify(lib, id, NULL, &stat);
	if (dkim == NULL)
		return err_set(e, ST_LIMIT, "no memory for DKIM");
	(void)dkim_set_user_context(dkim, &c);
	st = run(&c, dkim, mail, e);
	(void)dkim_free(dkim);
	for (size_t i = 0; i < found.n && !same_ends; i++) {
		found.items[i].result = DKIM_RESULT_FAIL;
		found.items[i].reason = STR(
			"some lines end in CR LF, others in LF");
	}
	if (st == ST_OK && c.no_memory)
		st = err_set(e, ST_LIMIT, "no memory for DKIM");
	if (st == ST_OK)
		*out = found;
	return st;
}

/* ---- what the sandbox forbids later ---- */

static enum status no_key(
	void *ctx, struct arena *a, struct str name, struct str *text)
{
	(void)ctx;
	(void)a;
	(void)name;
	*text = STR("v=DKIM1; k=rsa; p="
		    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9"
		    "ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq"
		    "631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4O"
		    "uKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB");
	return ST_OK;
}

/* OpenSSL reads its configuration when a key is first used. */
void dkim_mail_prepare(void)
{
	struct arena *a = arena_must(0);
	struct dkim_signatures out;

	(void)!dkim_mail_check(a,
		STR("DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s;\r\n"
		    "\th=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;"
		    "\r\n\tb=AAAA\r\nFrom: a@x.example\r\n\r\n"),
		1, no_key, NULL, &out, NULL);
	arena_free(&a);
}
