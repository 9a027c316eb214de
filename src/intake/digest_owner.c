/* SPDX-License-Identifier: Apache-2.0 */
/* digest_owner: recipients and policy domains to the rows of domains. */
#include "intake/digest_owner.h"
#include "intake/lmtp_server.h"
#include "proto/host_name.h"
#include "proto/sts_match.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

/* By the ID it was sent to. */
static enum status owner_by_label(struct digest_known *k, struct str label,
	struct digest_owner *out, struct err *e)
{
	const struct store_domain *row;
	enum status st;

	st = digest_known_domain_by_label(k, label, &row, e);
	if (st == ST_NOTFOUND)
		return err_set(e, ST_INVALID, "no domain has this ID");
	if (st == ST_OK)
		*out = (struct digest_owner){ .tenant = row->tenant,
			.domain = row->name };
	return st;
}

static struct str lower(struct arena *a, struct str text)
{
	struct str out = arena_str(a, text);

	for (size_t i = 0; i < out.n && out.p != NULL; i++)
		((char *)(uintptr_t)out.p)[i] = chr_lower(out.p[i]);
	return out;
}

/*
 * Whose a domain is that several tenants claim: whoever proves it, or else the
 * operator; NULL: nobody's.
 */
static const struct store_domain *best_claim(
	const struct store_domain *rows, size_t n)
{
	const struct store_domain *usual = NULL, *proven = NULL;

	for (size_t i = 0; i < n; i++) {
		if (str_eq(rows[i].tenant, STORE_TENANT_DEFAULT))
			usual = &rows[i];
		if (rows[i].proof != STORE_PROOF_NONE &&
			(proven == NULL ||
				rows[i].proof_since > proven->proof_since))
			proven = &rows[i];
	}
	if (proven != NULL)
		return proven;
	return n == 1 ? rows : usual;
}

/* An operator need not say whose it is: the first domain of it we host. */
static enum status owner_by_policies(struct digest_known *k, struct arena *a,
	const struct tlsrpt_report *r, struct digest_owner *out, struct err *e)
{
	struct digest_owner owner = { .tenant = STORE_TENANT_DEFAULT,
		.domain = STR("") };
	const struct store_domain *best, *rows;
	enum status st;
	size_t n;

	for (size_t i = 0; i < r->policies.n; i++) {
		struct str domain = lower(a, r->policies.items[i].domain);

		if (!tlsrpt_is_domain(domain))
			continue;
		st = digest_known_claims(k, domain, &rows, &n, e);
		if (st != ST_OK)
			return st;
		if (owner.domain.n == 0)
			owner.domain = domain;
		best = best_claim(rows, n);
		if (best == NULL)
			continue;
		*out = (struct digest_owner){ .tenant = best->tenant,
			.domain = best->name };
		return ST_OK;
	}
	*out = owner;
	return ST_OK;
}

/*
 * Moves *out to the first domain of its tenant that the report is about.
 * ST_NOTFOUND: there is none.
 */
static enum status owner_of_tenant(struct digest_known *k, struct arena *a,
	const struct tlsrpt_report *r, struct digest_owner *out, struct err *e)
{
	const struct store_domain *row;
	enum status st = ST_NOTFOUND;

	for (size_t i = 0; st == ST_NOTFOUND && i < r->policies.n; i++) {
		struct str domain = r->policies.items[i].domain;

		if (tlsrpt_is_domain(domain))
			st = digest_known_domain(
				k, out->tenant, lower(a, domain), &row, e);
	}
	if (st == ST_OK)
		out->domain = row->name;
	return st;
}

/* A mailbox of the settings: the report must say whose it is. */
static enum status owner_by_mailbox(struct digest_known *k, struct arena *a,
	struct str id, const struct tlsrpt_report *r, struct digest_owner *out,
	struct err *e)
{
	struct digest_owner owner = { .tenant = str_from(id, 1) };
	enum status st = owner_of_tenant(k, a, r, &owner, e);

	if (st == ST_NOTFOUND)
		return err_set(e, ST_INVALID,
			"it is about no domain of the tenant %.*s",
			STR_ARG(owner.tenant));
	if (st == ST_OK)
		*out = owner;
	return st;
}

static bool is_host_of(struct str host, struct str domain, struct store_strs mx)
{
	return host.n > 0 && (host_name_under(host, domain) ||
				     sts_match_any(host, mx.items, mx.n) >= 0);
}

/*
 * Can the report be about the domain? TLSA policies name MX hosts: its own, or
 * those it is known to have.
 */
static bool may_be_about(
	const struct tlsrpt_report *r, struct str domain, struct store_strs mx)
{
	bool may = false;

	for (size_t i = 0; i < r->policies.n; i++) {
		const struct tlsrpt_policy *p = &r->policies.items[i];

		may |= host_name_eq(p->domain, domain);
		if (!str_eq(p->type_text, STR("tlsa")))
			continue;
		may |= is_host_of(p->domain, domain, mx);
		for (size_t j = 0; j < p->mx_hosts.n; j++)
			may |= is_host_of(p->mx_hosts.items[j], domain, mx);
	}
	return may;
}

static struct str first_domain(const struct tlsrpt_report *r)
{
	for (size_t i = 0; i < r->policies.n; i++)
		if (r->policies.items[i].domain.n > 0)
			return r->policies.items[i].domain;
	return STR("no domain");
}

/*
 * A mail may have been meant for another: anyone can send on what was signed
 * for him.
 */
static enum status check_domain(struct digest_known *k, struct arena *a,
	const struct tlsrpt_report *r, struct str id,
	struct digest_owner *owner, struct err *e)
{
	const struct store_domain *row;
	struct store_strs mx = {};
	enum status st;

	st = digest_known_domain(k, owner->tenant, owner->domain, &row, e);
	/* Reports come for days after a domain was removed. */
	if (st == ST_NOTFOUND && id.n > 0 && id.p[0] != LMTP_TENANT_MARK)
		st = digest_known_domain_by_label(k, id, &row, e);
	if (st != ST_OK && st != ST_NOTFOUND)
		return st;
	if (st == ST_OK)
		mx = row->mx;
	if (may_be_about(r, owner->domain, mx))
		return ST_OK;
	st = owner_of_tenant(k, a, r, owner, e);
	if (st != ST_NOTFOUND)
		return st;
	owner->elsewhere = first_domain(r);
	return ST_OK;
}

enum status digest_owner_find(struct digest_known *k, struct arena *a,
	const struct spool_meta *meta, const struct tlsrpt_report *r,
	struct digest_owner *out, struct err *e)
{
	struct digest_owner owner = {};
	enum status st;

	if (meta->id.n == 0)
		st = owner_by_policies(k, a, r, &owner, e);
	else if (meta->id.p[0] == LMTP_TENANT_MARK)
		st = owner_by_mailbox(k, a, meta->id, r, &owner, e);
	else
		st = owner_by_label(k, meta->id, &owner, e);
	if (st == ST_OK && meta->source == SPOOL_MAIL)
		st = check_domain(k, a, r, meta->id, &owner, e);
	if (st == ST_OK)
		st = digest_known_rule(k, owner.tenant, &owner.rule, e);
	if (st == ST_NOTFOUND)
		return err_set(e, ST_INVALID, "there is no tenant %.*s",
			STR_ARG(owner.tenant));
	if (st == ST_OK)
		*out = owner;
	return st;
}
