/* SPDX-License-Identifier: Apache-2.0 */
/* cert_subject: host, domain, proof, challenges. */
#include "hosting/cert_subject.h"

#include "base/poison.h"

#define BIT(kind) (1u << (kind))

unsigned cert_challenges_of(
	enum store_proof proof, enum store_cname_state acme_cname)
{
	unsigned dns = acme_cname == STORE_CNAME_OK ? BIT(ACME_DNS01) : 0;

	switch (proof) {
	case STORE_PROOF_NONE:
		return 0;
	case STORE_PROOF_CNAME:
		return BIT(ACME_HTTP01) | BIT(ACME_ALPN01) | dns;
	case STORE_PROOF_ACME:
		return BIT(ACME_DNS01);
	case STORE_PROOF_TXT:
		return BIT(ACME_HTTP01) | BIT(ACME_ALPN01);
	}
	return 0;
}

static enum status system_host(const struct cert_config *config,
	struct str host, struct cert_subject *out, struct err *e)
{
	for (size_t i = 0; i < config->n_system_hosts; i++)
		if (str_eq(config->system_hosts[i], host)) {
			*out = (struct cert_subject){ .system = true,
				.challenges = BIT(ACME_HTTP01) |
					      BIT(ACME_ALPN01) };
			return ST_OK;
		}
	return err_set(e, ST_NOTFOUND,
		"%.*s is no host of this installation any more", STR_ARG(host));
}

enum status cert_subject_get(struct store *s, struct arena *a,
	const struct cert_config *config, struct str tenant, struct str host,
	struct cert_subject *out, struct err *e)
{
	struct str prefix = STR(CERT_HOST_PREFIX);
	struct cert_subject subject = {};
	enum status st;

	if (str_eq(tenant, STORE_TENANT_SYSTEM))
		return system_host(config, host, out, e);
	if (!str_starts(host, prefix))
		return err_set(e, ST_NOTFOUND, "%.*s is no policy host",
			STR_ARG(host));
	st = store_domain_get(
		s, a, tenant, str_from(host, prefix.n), &subject.domain, e);
	if (st == ST_NOTFOUND)
		return err_set(e, ST_NOTFOUND,
			"%.*s: the domain is no longer hosted", STR_ARG(host));
	if (st != ST_OK)
		return st;
	subject.challenges = cert_challenges_of(subject.domain.proof,
		subject.domain.cname[STORE_CNAME_ACME].state);
	if (subject.challenges == 0)
		return err_set(e, ST_NOTFOUND,
			"%.*s does not lead to us, so no certificate is "
			"ordered for it",
			STR_ARG(host));
	*out = subject;
	return ST_OK;
}
