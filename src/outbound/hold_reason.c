/* SPDX-License-Identifier: Apache-2.0 */
/* hold_reason: a row for each phrase; the first one found counts. */
#include "outbound/hold_reason.h"

#include <stddef.h>

#include "base/bug.h"
#include "base/sbuf.h"

#include "base/poison.h"

#define REMEDY_BYTES_MAX 2048u
#define ASK_OWNER                                                              \
	"Tell the domain's postmaster; if the mail cannot wait, moat rule "    \
	"set DOMAIN off --until 2d."

static const struct row {
	const char *phrase;
	struct hold_reason reason;
} rows[] = {
	{ "Server certificate not verified",
		{ "certificate",
			"the mail host's certificate is not for a name that "
			"the policy allows",
			ASK_OWNER, false } },
	{ "Server certificate not trusted",
		{ "trust",
			"the mail host's certificate has no chain to an "
			"authority that Postfix trusts, or has expired",
			"Run moat doctor: without smtp_tls_CAfile or "
			"smtp_tls_CApath no certificate is "
			"trusted. " ASK_OWNER,
			false } },
	{ "TLS is required, but was not offered",
		{ "starttls", "the mail host offers no STARTTLS",
			"If it offers it to others, somebody on the way takes "
			"it out. " ASK_OWNER,
			false } },
	{ "TLS is required, but host",
		{ "starttls", "the mail host refuses STARTTLS", ASK_OWNER,
			false } },
	{ "TLS is required, but our TLS engine is unavailable",
		{ "engine", "Postfix has no TLS",
			"See its log: a certificate file or tlsmgr is at "
			"fault.",
			false } },
	{ "TLS is required, but unavailable",
		{ "engine",
			"Postfix cannot do TLS with the mail host, and does "
			"not say why",
			"See its log, and run moat doctor.", false } },
	{ "Cannot start TLS",
		{ "handshake", "the TLS handshake fails", ASK_OWNER, false } },
	{ "client TLS configuration problem",
		{ "configuration",
			"Postfix had no answer from moat, or did not "
			"understand it",
			"Run moat doctor, and moat explain DOMAIN.", false } },
	{ "TLSA lookup error",
		{ "dane", "its TLSA records cannot be looked up",
			"The domain's name servers fail, or DNSSEC is broken: "
			"see moat explain DOMAIN.",
			false } },
	{ "no TLSA records found",
		{ "dane", "the TLSA records it had are gone",
			"See moat explain DOMAIN.", false } },
	{ "non DNSSEC destination",
		{ "dane", "DANE is demanded where there is no DNSSEC",
			"Run moat doctor: Postfix does not believe its "
			"resolver.",
			false } },
	{ "server unavailable or unable to receive mail",
		{ "mx", "no MX host is in the policy, or none can be reached",
			"See moat explain DOMAIN: it compares both. " ASK_OWNER,
			true } },
};

static bool has(struct str s, struct str phrase)
{
	for (size_t i = 0; i + phrase.n <= s.n; i++)
		if (str_starts(str_from(s, i), phrase))
			return true;
	return false;
}

const struct hold_reason *hold_reason_of(struct str delay_reason)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (has(delay_reason, str_of(rows[i].phrase)))
			return &rows[i].reason;
	return NULL;
}

struct str hold_reason_remedy(
	struct arena *a, const char *remedy, struct str domain)
{
	struct str rest = str_of(remedy), word = STR("DOMAIN");
	struct sbuf b = sbuf_arena(a, REMEDY_BYTES_MAX);

	while (rest.n > 0) {
		bool here = str_starts(rest, word);

		if (here)
			sbuf_add(&b, domain);
		else
			sbuf_addc(&b, rest.p[0]);
		rest = str_from(rest, here ? word.n : 1);
	}
	BUG(!sbuf_ok(&b));
	return sbuf_str(&b);
}
