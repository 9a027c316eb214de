/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_rules: the pure half of domain_ops: what could lose mail, how long
 * senders hold a policy (RFC 8461 sections 3.2 and 8.3), and its rendering.
 */
#include "base/bug.h"
#include "base/clock.h"
#include "hosting/domain_ops.h"
#include "hosting/policy_id.h"
#include "proto/sts_match.h"
#include "proto/sts_policy.h"

#include "base/poison.h"

#define POLICY_BYTES_MAX 65536 /* RFC 8461 section 3.3 */
/* From a change here until no front role and no cache serves the old body. */
#define SLACK_S 300

static void reason(struct domain_reasons *out, struct str text)
{
	if (out->n < DOMAIN_REASONS_MAX)
		out->text[out->n++] = text;
}

/* Each of hosts that no pattern covers is a reason. */
static void uncovered(struct arena *a, const struct store_strs *hosts,
	const struct store_strs *patterns, struct domain_reasons *out)
{
	for (size_t i = 0; i < hosts->n; i++)
		if (sts_match_any(
			    hosts->items[i], patterns->items, patterns->n) < 0)
			reason(out, arena_fmt(a,
					    "DNS names the MX host %.*s, which "
					    "the policy does not",
					    STR_ARG(hosts->items[i])));
}

void domain_enforce_risks(struct arena *a, const struct store_domain *d,
	struct domain_reasons *out)
{
	*out = (struct domain_reasons){};
	if (d->mx_confirmed == 0)
		reason(out, STR("the MX list is not confirmed"));
	else if (d->proof_next <= d->mx_confirmed + 1)
		reason(out, STR("DNS was not asked since the MX list was set; "
				"that takes some seconds"));
	else if (d->mx_checked < d->proof_checked)
		reason(out, STR("the MX hosts could not be looked up the last "
				"time DNS was asked: moat domain recheck asks "
				"again"));
	uncovered(a, &d->mx_proposed, &d->mx, out);
	if (d->served_since == 0)
		reason(out, STR("the policy was never served, so nothing is "
				"known of how senders fare"));
}

void domain_mx_risks(struct arena *a, const struct store_domain *d,
	const struct store_strs *mx, struct domain_reasons *out)
{
	const struct store_strs *in_dns = d->mx_proposed.n > 0 ? &d->mx_proposed
							       : &d->mx;

	*out = (struct domain_reasons){};
	if (d->mode != STORE_MODE_ENFORCE || d->mx_confirmed == 0)
		return;
	uncovered(a, in_dns, mx, out);
}

/*
 * The latest moment a sender may hold a policy other than none, if the domain
 * goes to none at now; 0: no sender ever could.
 */
static int64_t domain_held_until(const struct store_domain *d, int64_t now)
{
	int64_t current = 0;

	if (d->served_since > 0 && d->mode != STORE_MODE_NONE)
		current = now + d->max_age + SLACK_S;
	return current > d->not_none_until ? current : d->not_none_until;
}

void domain_remove_risks(struct arena *a, const struct store_domain *d,
	int64_t now, struct domain_reasons *out)
{
	int64_t until = domain_held_until(d, now);
	char text[32];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	*out = (struct domain_reasons){};
	if (until <= now)
		return;
	utc_write(&b, (struct unix_time){ until });
	if (d->mode != STORE_MODE_NONE)
		reason(out, arena_fmt(a,
				    "mode %s is being served: retire the "
				    "domain first, it then leaves by itself",
				    store_mode_name(d->mode)));
	else
		reason(out, arena_fmt(a,
				    "senders may hold a policy other than "
				    "none until %.*s",
				    STR_ARG(sbuf_str(&b))));
}

/* The body for what is wanted; empty while there is nothing to publish. */
static struct str body_of(struct arena *a, const struct store_domain *d)
{
	static const enum sts_mode modes[] = {
		[STORE_MODE_NONE] = STS_MODE_NONE,
		[STORE_MODE_TESTING] = STS_MODE_TESTING,
		[STORE_MODE_ENFORCE] = STS_MODE_ENFORCE,
	};
	struct sts_policy policy = { .outcome = STS_POLICY_VALID,
		.mode = modes[d->mode],
		.max_age_s = (uint32_t)d->max_age,
		.mx = d->mx.items,
		.n_mx = d->mx.n };
	struct sbuf b = sbuf_arena(a, POLICY_BYTES_MAX);

	if (d->mode != STORE_MODE_NONE &&
		(d->mx_confirmed == 0 || d->mx.n == 0))
		return (struct str){};
	sts_policy_write(&b, &policy);
	BUG(!sbuf_ok(&b));
	return sbuf_str(&b);
}

/* How long after now senders may hold the policy that body is. */
static int64_t held_of_body(struct str body, int64_t now)
{
	struct arena *a = arena_must(0);
	struct sts_policy p = {};
	int64_t until = 0;

	if (body.n > 0 && sts_policy_parse(a, body, &p, NULL) == ST_OK &&
		p.outcome == STS_POLICY_VALID && p.mode != STS_MODE_NONE)
		until = now + p.max_age_s + SLACK_S;
	arena_free(&a);
	return until;
}

bool domain_render(struct arena *a, struct store_domain *d, int64_t now)
{
	struct str body = body_of(a, d);
	int64_t held = 0;

	if (body.n == 0 || str_eq(body, d->policy_body))
		return false;
	if (d->served_since > 0)
		held = held_of_body(d->policy_body, now);
	if (held > d->not_none_until)
		d->not_none_until = held;
	d->policy_id = policy_id_next(a, d->policy_id, now);
	d->policy_body = body;
	d->policy_since = now;
	return true;
}
