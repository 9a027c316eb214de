/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_reply: smtp_tls_policy_maps of postconf(5), the TLSRPT attributes of
 * Postfix 3.10.
 *
 * Postfix refuses a whole reply, and defers the mail, for one attribute that
 * it does not know, that comes twice, or that does not go with its level.
 */
#include "base/bug.h"
#include "proto/postfix_reply.h"

#include "base/poison.h"

/* What is left out so that the rest fits. */
enum cut {
	CUT_NOTHING,
	CUT_LINES,  /* the lines of the policy */
	CUT_TLSRPT, /* all that is for TLS reports */
};

/* A line of the policy has spaces in it, hence the braces. */
static void add_line(struct sbuf *b, const char *key, struct str value)
{
	sbuf_addz(b, " { policy_string = ");
	sbuf_addz(b, key);
	sbuf_addz(b, ": ");
	sbuf_add(b, value);
	sbuf_addz(b, " }");
}

static void add_lines(struct sbuf *b, const struct decision *d)
{
	char digits[16];
	struct sbuf max_age = sbuf_fixed(digits, sizeof(digits));

	sbuf_fmt(&max_age, "%u", d->policy->max_age_s);
	add_line(b, "version", STR("STSv1"));
	add_line(b, "mode", str_of(sts_mode_name(d->policy->mode)));
	for (size_t i = 0; i < d->n_patterns; i++)
		add_line(b, "mx", d->patterns[i]);
	add_line(b, "max_age", sbuf_str(&max_age));
}

static void add_tlsrpt(struct sbuf *b, const struct decision *d, enum cut cut)
{
	sbuf_addz(b, " policy_type=sts policy_domain=");
	sbuf_add(b, d->domain);
	if (d->policy != NULL && cut < CUT_LINES)
		add_lines(b, d);
	for (size_t i = 0; i < d->n_patterns; i++) {
		sbuf_addz(b, " mx_host_pattern=");
		sbuf_add(b, d->patterns[i]);
	}
	if (d->failed) {
		sbuf_addz(b, " policy_failure=");
		sbuf_addz(b, tlsrpt_result_name(d->failure));
	}
}

static void add_secure(struct sbuf *b, const struct decision *d)
{
	sbuf_addz(b, "secure match=");
	for (size_t i = 0; i < d->n_match; i++) {
		if (i > 0)
			sbuf_addc(b, ':');
		sbuf_add(b, d->match[i]);
	}
	sbuf_addz(b, " servername=hostname");
}

static void write_policy(struct sbuf *b, const struct decision *d, enum cut cut)
{
	socketmap_reply_write(b, SOCKETMAP_OK, STR(""));
	if (d->action == DECISION_SECURE)
		add_secure(b, d);
	else
		sbuf_addz(b, "may servername=hostname");
	if (d->tlsrpt && cut < CUT_TLSRPT)
		add_tlsrpt(b, d, cut);
}

/* As much of the policy as the limit allows. */
static void write_cut(struct sbuf *b, const struct decision *d)
{
	for (enum cut cut = CUT_NOTHING; cut <= CUT_TLSRPT; cut++) {
		struct sbuf t = *b;

		if (t.max - t.n > POSTFIX_REPLY_BYTES_MAX)
			t.max = t.n + POSTFIX_REPLY_BYTES_MAX;
		write_policy(&t, d, cut);
		t.max = b->max;
		if (sbuf_ok(&t)) {
			*b = t;
			return;
		}
		if (cut == CUT_TLSRPT)
			b->failed = true;
	}
}

enum status postfix_reply_write(struct sbuf *b, const struct decision *d)
{
	switch (d->action) {
	case DECISION_NOTFOUND:
		socketmap_reply_write(b, SOCKETMAP_NOTFOUND, STR(""));
		break;
	case DECISION_TEMP:
		socketmap_reply_write(b, SOCKETMAP_TEMP,
			STR("DNS cannot tell whether DANE protects this "
			    "domain (RFC 7672 section 2.1)"));
		break;
	case DECISION_DANE:
		socketmap_reply_write(b, SOCKETMAP_OK, STR("dane"));
		break;
	case DECISION_DANE_ONLY:
		socketmap_reply_write(b, SOCKETMAP_OK, STR("dane-only"));
		break;
	case DECISION_SECURE:
	case DECISION_MAY_REPORT:
		write_cut(b, d);
		break;
	}
	return sbuf_ok(b) ? ST_OK : ST_LIMIT;
}
