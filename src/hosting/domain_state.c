/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_state: the first question that has no good answer decides the word:
 * is it leaving, does somebody have to look, is the MX list confirmed, is the
 * proof there, is the certificate there, and only then the mode.
 */
#include "base/clock.h"
#include "hosting/domain_state.h"

#include "base/poison.h"

static const char *const words[] = {
	[DOMAIN_CONFIRM_MX] = "confirm MX",
	[DOMAIN_SET_UP_DNS] = "set up DNS",
	[DOMAIN_GETTING_CERT] = "getting certificate",
	[DOMAIN_SERVING_NONE] = "serving none",
	[DOMAIN_TESTING] = "testing",
	[DOMAIN_ENFORCING] = "enforcing",
	[DOMAIN_RETIRING] = "retiring",
	[DOMAIN_REMOVED] = "removed",
	[DOMAIN_NEEDS_ATTENTION] = "needs attention",
};

const char *domain_word_text(enum domain_word w)
{
	return words[w];
}

static struct str date_of(struct arena *a, int64_t t)
{
	struct sbuf b = sbuf_arena(a, 64);

	utc_write(&b, (struct unix_time){ t });
	return sbuf_str(&b);
}

static struct domain_state leaving(
	struct arena *a, const struct store_domain *d, int64_t now)
{
	if (d->removed != 0)
		return (struct domain_state){ DOMAIN_REMOVED,
			arena_fmt(a, "The domain was removed on %.*s.",
				STR_ARG(date_of(a, d->removed))),
			STR("Its CNAMEs can be deleted.") };
	if (d->not_none_until <= now)
		return (struct domain_state){ DOMAIN_RETIRING,
			STR("No sender can hold an older policy any more."),
			STR("Nothing to do: the domain is removed by itself; "
			    "then its CNAMEs can be deleted.") };
	return (struct domain_state){ DOMAIN_RETIRING,
		arena_fmt(a,
			"Senders may hold an older policy until %.*s; until "
			"then mode none is served.",
			STR_ARG(date_of(a, d->not_none_until))),
		STR("Keep the CNAMEs until then; the domain is removed by "
		    "itself.") };
}

static struct domain_state confirm_mx(
	struct arena *a, const struct store_domain *d)
{
	if (d->mx.n == 0 && d->mx_proposed.n == 0)
		return (struct domain_state){ DOMAIN_CONFIRM_MX,
			STR("The MX hosts are not known, so there is no "
			    "policy yet."),
			arena_fmt(a,
				"moat domain mx %.*s --mx HOST... names them.",
				STR_ARG(d->name)) };
	return (struct domain_state){ DOMAIN_CONFIRM_MX,
		STR("The MX hosts as DNS gave them wait for a person's yes; "
		    "there is no policy yet."),
		arena_fmt(a,
			"moat domain show %.*s lists them; moat domain mx "
			"%.*s --confirm accepts them, --mx HOST... names "
			"others.",
			STR_ARG(d->name), STR_ARG(d->name)) };
}

static struct domain_state attention(
	struct arena *a, const struct store_domain *d)
{
	struct str next =
		d->mx_proposed.n > 0
			? arena_fmt(a,
				  "moat domain show %.*s compares the MX "
				  "hosts; moat domain mx %.*s --confirm takes "
				  "those of DNS, --mx HOST... names others.",
				  STR_ARG(d->name), STR_ARG(d->name))
			: arena_fmt(a,
				  "moat domain dns %.*s shows the records.",
				  STR_ARG(d->name));

	return (struct domain_state){ DOMAIN_NEEDS_ATTENTION, d->attention,
		next };
}

/* The first CNAME that is not as it should be, or -1. */
static int first_wrong(const struct store_domain *d)
{
	for (int i = 0; i < STORE_CNAME_ACME; i++)
		if (d->cname[i].state != STORE_CNAME_OK)
			return i;
	return -1;
}

static struct domain_state set_up_dns(
	struct arena *a, const struct store_domain *d, struct str zone)
{
	struct domain_record records[DOMAIN_RECORDS];
	const struct domain_record *r;
	int wrong = first_wrong(d);

	domain_records(a, d, zone, records);
	r = &records[wrong < 0 ? STORE_CNAME_HOST : wrong];
	return (struct domain_state){ DOMAIN_SET_UP_DNS,
		d->proof_detail.n > 0
			? d->proof_detail
			: STR("Nothing shows yet that the domain is yours."),
		arena_fmt(a,
			"Publish %.*s CNAME %.*s. and the others (moat domain "
			"dns %.*s lists them); moat looks again by itself.",
			STR_ARG(r->owner), STR_ARG(r->value),
			STR_ARG(d->name)) };
}

static struct domain_state getting_cert(
	struct arena *a, const struct store_acme_order *order, bool had_one)
{
	const char *what = had_one ? "The certificate has run out"
				   : "There is no certificate yet";

	if (order != NULL && order->problem_detail.n > 0)
		return (struct domain_state){
			DOMAIN_NEEDS_ATTENTION,
			arena_fmt(a, "%s; the last attempt failed: %.*s", what,
				STR_ARG(order->problem_detail)),
			order->state == STORE_ORDER_FAILED
				? STR("Mend the cause, then moat domain "
				      "recheck.")
				: arena_fmt(a,
					  "Mend the cause; the next attempt is "
					  "at %.*s.",
					  STR_ARG(date_of(a, order->next_at)))
		};
	return (struct domain_state){ DOMAIN_GETTING_CERT,
		arena_fmt(a, "%s%s.", what,
			order != NULL ? ", an order is on its way" : ""),
		STR("Nothing to do: it takes a minute or two.") };
}

/* Served: what is left to say besides the mode. */
static struct str next_of(
	struct arena *a, const struct store_domain *d, struct str zone)
{
	struct domain_record records[DOMAIN_RECORDS];
	int wrong = first_wrong(d);

	if (d->mx_proposed.n > 0)
		return arena_fmt(a,
			"DNS now has other MX hosts than the policy: moat "
			"domain show %.*s compares them, moat domain mx %.*s "
			"--confirm takes them over.",
			STR_ARG(d->name), STR_ARG(d->name));
	if (wrong >= 0 && d->proof == STORE_PROOF_CNAME) {
		domain_records(a, d, zone, records);
		return arena_fmt(a, "Publish %.*s CNAME %.*s.",
			STR_ARG(records[wrong].owner),
			STR_ARG(records[wrong].value));
	}
	if (d->mode == STORE_MODE_TESTING)
		return arena_fmt(a,
			"Watch the reports for a week or two (moat report "
			"summary --domain %.*s), then moat domain mode %.*s "
			"enforce.",
			STR_ARG(d->name), STR_ARG(d->name));
	return d->mode == STORE_MODE_NONE
		       ? arena_fmt(a, "moat domain mode %.*s testing begins.",
				 STR_ARG(d->name))
		       : STR("Nothing to do.");
}

static struct domain_state serving(
	struct arena *a, const struct store_domain *d, struct str zone)
{
	static const struct {
		enum domain_word word;
		const char *sentence;
	} modes[] = {
		[STORE_MODE_NONE] = { DOMAIN_SERVING_NONE,
			"The policy says none: senders use no MTA-STS." },
		[STORE_MODE_TESTING] = { DOMAIN_TESTING,
			"The policy says testing: senders report failures "
			"and deliver all the same." },
		[STORE_MODE_ENFORCE] = { DOMAIN_ENFORCING,
			"The policy says enforce: senders deliver only over "
			"authenticated TLS." },
	};

	return (struct domain_state){ modes[d->mode].word,
		str_of(modes[d->mode].sentence), next_of(a, d, zone) };
}

struct domain_state domain_state_of(struct arena *a,
	const struct store_domain *d, const struct store_cert *cert,
	const struct store_acme_order *order, struct str zone, int64_t now)
{
	bool served = d->proof == STORE_PROOF_CNAME ||
		      d->proof == STORE_PROOF_TXT;

	if (d->removed != 0 || d->retiring != 0)
		return leaving(a, d, now);
	if (d->attention.n > 0)
		return attention(a, d);
	if (d->mx_confirmed == 0)
		return confirm_mx(a, d);
	if (!served)
		return set_up_dns(a, d, zone);
	if (cert == NULL || cert->not_after <= now)
		return getting_cert(a, order, cert != NULL);
	return serving(a, d, zone);
}

void domain_records(struct arena *a, const struct store_domain *d,
	struct str zone, struct domain_record out[DOMAIN_RECORDS])
{
	static const struct {
		const char *owner, *target; /* in front of D, of ID.ZONE */
	} names[STORE_CNAMES] = {
		[STORE_CNAME_HOST] = { "mta-sts.", "" },
		[STORE_CNAME_STS] = { "_mta-sts.", "_mta-sts." },
		[STORE_CNAME_TLSRPT] = { "_smtp._tls.", "_smtp._tls." },
		[STORE_CNAME_ACME] = { "_acme-challenge.mta-sts.",
			"_acme-challenge." },
	};

	for (size_t i = 0; i < STORE_CNAMES; i++)
		out[i] = (struct domain_record){
			.owner = arena_fmt(
				a, "%s%.*s", names[i].owner, STR_ARG(d->name)),
			.type = STR("CNAME"),
			.value = arena_fmt(a, "%s%.*s.%.*s", names[i].target,
				STR_ARG(d->label), STR_ARG(zone)),
			.optional = i == STORE_CNAME_ACME,
			.state = d->cname[i].state,
			.found = d->cname[i].found,
		};
	out[STORE_CNAMES] = (struct domain_record){
		.owner = arena_fmt(a, "_moat.%.*s", STR_ARG(d->name)),
		.type = STR("TXT"),
		.value = d->token,
		.optional = true,
		.state = d->proof == STORE_PROOF_TXT ? STORE_CNAME_OK
						     : STORE_CNAME_UNKNOWN,
	};
}
