/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_caa: may this CA issue for this name? RFC 8659 sections 3 and 4, with
 * the parameters accounturi and validationmethods of RFC 8657.
 */
#include "check/probe_own.h"

#include "base/poison.h"

struct wanted {
	struct str issuer, account, method;
};

/*
 * The relevant set: the one of the name, with CNAMEs followed, or of its
 * nearest parent that has one. n == 0: there is none. false after job_end.
 */
static bool find_set(
	struct job *j, struct dns_name *name, struct resolver_answer *out)
{
	struct err e = {};

	do {
		struct str text = probe_name_text(j, name);

		if (resolver_lookup(j->p->resolver, text, DNS_TYPE_CAA,
			    j->deadline, j->a, out, &e) != ST_OK) {
			job_end(j, PROBE_UNKNOWN,
				"CAA of %.*s cannot be looked up (%s); a CA "
				"would refuse to issue",
				STR_ARG(text), e.text);
			return false;
		}
		if (out->security == RESOLVER_BOGUS) {
			job_end(j, PROBE_UNKNOWN, "DNSSEC of %.*s is broken",
				STR_ARG(text));
			return false;
		}
		if (out->n > 0)
			return true;
	} while (dns_name_cut(name) && name->n > 1);
	return true;
}

/* "issuer; name=value; ..." (RFC 8659 section 4.2). */
static bool permits(struct str value, const struct wanted *w)
{
	struct str issuer = str_trim(str_cut(&value, ';'));

	if (!str_eq_nocase(issuer, w->issuer))
		return false;
	while (value.p != NULL) {
		struct str param = str_trim(str_cut(&value, ';'));
		struct str name = str_trim(str_cut(&param, '='));

		param = str_trim(param);
		if (str_eq_nocase(name, STR("accounturi")) &&
			w->account.n > 0 && !str_eq(param, w->account))
			return false;
		if (str_eq_nocase(name, STR("validationmethods")) &&
			w->method.n > 0 && !str_list_has(param, w->method))
			return false;
	}
	return true;
}

/* Tags that say nothing about issuing for a plain host name. */
static bool is_known(struct str tag)
{
	static const char *const tags[] = { "issuewild", "iodef", "issuemail",
		"issuevmc", "contactemail", "contactphone" };

	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		if (str_eq_nocase(tag, str_of(tags[i])))
			return true;
	return false;
}

static void judge(struct job *j, const struct resolver_answer *set,
	const struct wanted *w, struct str where)
{
	bool restricted = false, permitted = false;

	for (size_t i = 0; i < set->n; i++) {
		struct sbuf b = sbuf_arena(j->a, DNS_RDATA_MAX * 4u);
		struct str tag, value;
		uint8_t flags;

		dns_rdata_write(&b, DNS_TYPE_CAA, set->rdata[i]);
		job_found(j, sbuf_str(&b));
		if (dns_caa_read(set->rdata[i], &flags, &tag, &value) !=
			ST_OK) {
			restricted = true;
		} else if (str_eq_nocase(tag, STR("issue"))) {
			restricted = true;
			permitted |= permits(value, w);
		} else if ((flags & DNS_CAA_ISSUER_CRITICAL) != 0 &&
			   !is_known(tag)) {
			job_end(j, PROBE_FAIL,
				"a critical CAA tag at %.*s forbids all "
				"issuing",
				STR_ARG(where));
			return;
		}
	}
	if (!restricted || permitted)
		job_end(j, PROBE_PASS, "CAA at %.*s lets %.*s issue",
			STR_ARG(where), STR_ARG(w->issuer));
	else
		job_end(j, PROBE_FAIL,
			"CAA at %.*s does not let %.*s issue; add: %.*s CAA 0 "
			"issue \"%.*s\"",
			STR_ARG(where), STR_ARG(w->issuer), STR_ARG(where),
			STR_ARG(w->issuer));
}

void probe_do_caa(struct job *j)
{
	struct resolver_answer set = {};
	struct dns_name name;
	struct wanted w;
	struct str text;

	if (!job_word(j, "name", &text) || !job_word(j, "issuer", &w.issuer))
		return;
	w.account = json_get_str(j->q, "account");
	w.method = json_get_str(j->q, "method");
	if (dns_name_parse(text, &name) != ST_OK) {
		job_end(j, PROBE_UNKNOWN, "name is no domain name");
		return;
	}
	if (!find_set(j, &name, &set))
		return;
	if (set.n == 0)
		job_end(j, PROBE_PASS, "no CAA record forbids it");
	else
		judge(j, &set, &w, probe_name_text(j, &name));
}
