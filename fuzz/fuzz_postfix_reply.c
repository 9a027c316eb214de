/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy that a stranger wrote, until it is a reply to Postfix: whatever it
 * says, Postfix takes the reply, and nothing of it is the stranger's but host
 * names.
 *
 * The first two bytes choose profile, rule, DANE and whether MX hosts are
 * known; the rest is the policy.
 */
#include <stdint.h>

#include "base/bug.h"
#include "proto/postfix_reply.h"
#include "proto/sts_match.h"
#include "tests/postfix_grammar.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mx_host hosts[] = {
	{ .name = { "mx1.example.com", 15 }, .dane = DANE_HOST_USABLE },
	{ .name = { "a.b.c.example", 13 }, .dane = DANE_HOST_UNUSABLE },
	{ .name = { "hostname", 8 }, .dane = DANE_HOST_NONE },
};

/* With the hosts known, each name is one that the policy lets in. */
static void check_match(const struct sts_decide_input *in,
	const struct decision *d, const struct postfix_policy *said)
{
	BUG(said->n_match != d->n_match);
	BUG(postfix_match_count(said, STR("hostname")) > 0);
	for (size_t i = 0; i < d->n_match && in->dane->mx_known; i++)
		BUG(sts_match_any(d->match[i], in->policy->mx,
			    in->policy->n_mx) < 0 &&
			!str_ends(d->match[i], STR(".invalid")));
}

static void check(struct arena *a, const struct sts_decide_input *in)
{
	struct sbuf b = sbuf_arena(a, 1u << 20), again = b;
	struct postfix_policy said;
	struct decision d;
	struct err why = {};

	BUG(sts_decide(a, in, &d) != ST_OK);
	BUG(postfix_reply_write(&b, &d) != ST_OK);
	BUG(postfix_grammar(sbuf_str(&b), &said, &why) != ST_OK);
	BUG(b.n > POSTFIX_REPLY_BYTES_MAX);
	BUG(str_starts(sbuf_str(&b), STR("TEMP")) !=
		(in->dane->state == DANE_TEMP && in->rule != STS_RULE_OFF));
	if (d.action == DECISION_SECURE)
		check_match(in, &d, &said);
	BUG(postfix_reply_write(&again, &d) != ST_OK);
	BUG(!str_eq(sbuf_str(&b), sbuf_str(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_must(0);
	struct dane_result dane = { .mx = hosts,
		.n_mx = sizeof(hosts) / sizeof(*hosts) };
	struct sts_decide_input in = { .dane = &dane,
		.domain = { STR("example.com"), false, SMTP_PORT },
		.failure = TLSRPT_STS_POLICY_FETCH_ERROR };
	struct sts_policy policy = {};

	if (size < 2)
		goto out;
	in.profile.kind = (enum sts_profile_kind)(data[0] % 3);
	in.profile.enforce_testing = data[0] & 0x10;
	in.profile.tlsrpt = data[0] & 0x20;
	in.profile.visibility = data[0] & 0x40;
	in.domain.is_host = data[0] & 0x80;
	in.rule = (enum sts_rule)(data[1] % 4);
	dane.state = (enum dane_state)((data[1] >> 2) % (DANE_OFF + 1));
	dane.mx_known = !in.domain.is_host && (data[1] & 0x40);
	in.pending = data[1] & 0x80;
	BUG(sts_policy_parse(a,
		    (struct str){ (const char *)data + 2, size - 2 }, &policy,
		    NULL) != ST_OK);
	in.failed = policy.outcome != STS_POLICY_VALID;
	in.policy = in.failed ? NULL : &policy;
	check(a, &in);
out:
	arena_free(&a);
	return 0;
}
