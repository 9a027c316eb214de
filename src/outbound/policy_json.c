/* SPDX-License-Identifier: Apache-2.0 */
/* policy_json: one writer for each kind of thing, and the words. */
#include "outbound/policy_json.h"

#include "base/bug.h"
#include "io/addr.h"
#include "proto/dns_rr.h"
#include "proto/postfix_reply.h"
#include "proto/sts_lint.h"

#include "base/poison.h"

static const char *const kind_names[] = {
	[STS_PROFILE_STS] = "sts",
	[STS_PROFILE_STS_TLSRPT] = "sts-tlsrpt",
	[STS_PROFILE_DANE_STS] = "dane-sts",
};

const char *sts_profile_kind_name(enum sts_profile_kind kind)
{
	return kind_names[kind];
}

enum status sts_profile_kind_parse(struct str s, enum sts_profile_kind *out)
{
	for (size_t i = 0; i < sizeof(kind_names) / sizeof(*kind_names); i++)
		if (str_eq(s, str_of(kind_names[i]))) {
			*out = (enum sts_profile_kind)i;
			return ST_OK;
		}
	return ST_INVALID;
}

static const char *decision_action_word(enum decision_action action)
{
	static const char *const words[] = {
		[DECISION_NOTFOUND] = "notfound",
		[DECISION_TEMP] = "temp",
		[DECISION_SECURE] = "secure",
		[DECISION_DANE] = "dane",
		[DECISION_DANE_ONLY] = "dane-only",
		[DECISION_MAY_REPORT] = "may-report",
	};

	return words[action];
}

/* ---- policies and rules */

static void put_policy(struct json_writer *w, const struct sts_policy *p)
{
	json_put_z(w, "mode", sts_mode_name(p->mode));
	json_put_int(w, "max_age", p->max_age_s);
	json_put_strs(w, "mx", p->mx, p->n_mx);
}

static void put_past(struct json_writer *w, const struct policy_entry *entry)
{
	json_open_array(w, "history");
	for (size_t i = 0; i < entry->n_past; i++) {
		const struct policy_past *past = &entry->past[i];

		json_open_object(w, NULL);
		json_put_int(w, "fetched_at", past->fetched_at);
		json_put_z(w, "mode", sts_mode_name(past->mode));
		json_put_str(w, "id", past->id);
		json_close_object(w);
	}
	json_close_array(w);
}

void policy_json_entry(struct json_writer *w, const char *name,
	const struct policy_entry *entry, bool in_force, bool whole)
{
	json_open_object(w, name);
	json_put_str(w, "domain", entry->domain);
	put_policy(w, &entry->policy);
	json_put_str(w, "id", entry->id);
	json_put_int(w, "fetched_at", entry->fetched_at);
	json_put_int(w, "expires", policy_entry_expires(entry));
	json_put_bool(w, "in_force", in_force);
	json_put_bool(w, "gone", entry->gone);
	json_put_int(w, "failures", entry->failures);
	json_put_int(w, "failed_since", entry->failed_since);
	json_put_int(w, "next_refresh", entry->next_refresh);
	json_put_int(w, "first_seen", entry->first_seen);
	json_put_int(w, "used_at", entry->used_at);
	if (whole) {
		json_put_str(w, "text", entry->text);
		put_past(w, entry);
	}
	json_close_object(w);
}

void policy_json_rule(struct json_writer *w, const char *name,
	const struct policy_rule *rule, int64_t now)
{
	json_open_object(w, name);
	json_put_str(w, "profile", rule->profile);
	json_put_str(w, "domain", rule->domain);
	json_put_z(w, "rule", policy_rule_name(rule->kind));
	json_put_str(w, "reason", rule->reason);
	json_put_int(w, "set_at", rule->set_at);
	if (rule->expires == INT64_MAX)
		json_put_null(w, "until");
	else
		json_put_int(w, "until", rule->expires);
	json_put_bool(w, "in_force", now < rule->expires);
	json_close_object(w);
}

/* ---- steps */

static const char *type_name(uint16_t type)
{
	switch (type) {
	case DNS_TYPE_A:
		return "A";
	case DNS_TYPE_AAAA:
		return "AAAA";
	case DNS_TYPE_CNAME:
		return "CNAME";
	case DNS_TYPE_MX:
		return "MX";
	case DNS_TYPE_TLSA:
		return "TLSA";
	default:
		return "other";
	}
}

static void put_lookups(struct json_writer *w, const struct dane_result *r)
{
	json_open_array(w, "lookups");
	for (size_t i = 0; i < r->n_steps; i++) {
		const struct dane_step *s = &r->steps[i];

		json_open_object(w, NULL);
		json_put_str(w, "name", s->name);
		json_put_z(w, "type", type_name(s->type));
		json_put_z(w, "outcome", dane_outcome_name(s->outcome));
		json_put_bool(w, "secure", s->secure);
		json_put_int(w, "ttl", s->ttl_s);
		json_put_str(w, "text", s->text);
		json_close_object(w);
	}
	json_close_array(w);
}

static void put_hosts(struct json_writer *w, const struct dane_result *r)
{
	json_open_array(w, "hosts");
	for (size_t i = 0; i < r->n_mx; i++) {
		json_open_object(w, NULL);
		json_put_str(w, "name", r->mx[i].name);
		json_put_int(w, "preference", r->mx[i].preference);
		json_put_z(w, "dane", dane_host_name(r->mx[i].dane));
		if (r->mx[i].tlsa_base.p != NULL)
			json_put_str(w, "tlsa_base", r->mx[i].tlsa_base);
		json_close_object(w);
	}
	json_close_array(w);
}

static void put_dane(struct json_writer *w, const struct dane_result *r)
{
	json_open_object(w, "dane");
	json_put_z(w, "state", dane_state_name(r->state));
	json_put_z(w, "why", r->why.text);
	json_put_bool(w, "mx_known", r->mx_known);
	json_put_bool(w, "mx_secure", r->mx_secure);
	json_put_bool(w, "implicit_mx", r->implicit_mx);
	json_put_bool(w, "null_mx", r->null_mx);
	json_put_int(w, "ttl", r->ttl_s);
	put_hosts(w, r);
	put_lookups(w, r);
	json_close_object(w);
}

static const char *record_word(const struct sts_record_result *r)
{
	static const char *const words[] = {
		[STS_RECORD_NONE] = "none",
		[STS_RECORD_VALID] = "valid",
		[STS_RECORD_INVALID] = "invalid",
		[STS_RECORD_SEVERAL] = "several",
	};

	return r->temp ? "temp" : words[r->outcome];
}

static const char *security_word(enum resolver_security s)
{
	static const char *const words[] = {
		[RESOLVER_INSECURE] = "insecure",
		[RESOLVER_SECURE] = "secure",
		[RESOLVER_BOGUS] = "bogus",
	};

	return words[s];
}

static void put_record(struct json_writer *w, const struct sts_record_result *r)
{
	json_open_object(w, "record");
	json_put_z(w, "result", record_word(r));
	json_put_z(w, "why", r->why.text);
	json_put_str(w, "id", r->id);
	json_put_str(w, "text", r->text);
	json_put_int(w, "texts", (int64_t)r->n_texts);
	json_put_str(w, "canonical", r->canonical);
	json_put_z(w, "security", security_word(r->security));
	json_put_int(w, "ttl", r->ttl_s);
	json_put_int(w, "took_ms", r->took_ms);
	json_close_object(w);
}

static void put_addr(struct json_writer *w, const char *name, struct arena *a,
	const struct addr *addr)
{
	struct sbuf b = sbuf_arena(a, 64);

	if (addr->len > 0)
		addr_write(&b, addr);
	json_put_str(w, name, sbuf_str(&b));
}

static void put_https(
	struct json_writer *w, struct arena *a, const struct https_result *r)
{
	json_open_object(w, "https");
	put_addr(w, "from", a, &r->from);
	json_put_z(w, "certificate", tls_cert_name(r->cert));
	json_put_str(w, "issuer", r->issuer);
	json_put_int(w, "not_after", r->not_after.s);
	json_put_int(w, "status", r->http_status);
	json_put_str(w, "content_type", r->content_type);
	json_put_int(w, "handshake_ms", r->handshake_ms);
	json_put_int(w, "total_ms", r->total_ms);
	json_close_object(w);
}

/* What a linter says of the file: each line with its number. */
static void put_findings(
	struct json_writer *w, struct arena *a, struct str text)
{
	struct finding_list list = finding_list_of(a);

	sts_lint_policy(text, &list);
	json_open_array(w, "findings");
	for (size_t i = 0; i < list.n; i++) {
		const struct finding *f = &list.items[i];

		json_open_object(w, NULL);
		json_put_int(w, "line", f->line);
		json_put_z(w, "level", finding_level_name(f->level));
		json_put_str(w, "text", f->text);
		json_put_z(w, "rule", f->rule);
		json_close_object(w);
	}
	json_close_array(w);
}

static void put_fetch(struct json_writer *w, struct arena *a,
	const struct sts_fetch_result *r)
{
	json_open_object(w, "fetch");
	json_put_bool(w, "fetched", r->fetched);
	if (r->fetched)
		put_policy(w, &r->policy);
	else
		json_put_z(w, "failure", tlsrpt_result_name(r->failure));
	json_put_str(w, "reason", r->reason);
	json_put_z(w, "why", r->why.text);
	json_open_array(w, "addresses");
	for (size_t i = 0; i < r->n_addrs; i++)
		put_addr(w, NULL, a, &r->addrs[i]);
	json_close_array(w);
	json_put_int(w, "refused_addresses", (int64_t)r->n_refused);
	json_put_int(w, "dns_ms", r->dns_ms);
	json_put_int(w, "total_ms", r->total_ms);
	if (r->https != NULL)
		put_https(w, a, r->https);
	if (r->text.n > 0) {
		json_put_str(w, "text", r->text);
		put_findings(w, a, r->text);
	}
	json_close_object(w);
}

void policy_json_step(struct json_writer *w, struct arena *a,
	const struct engine_step *step, int64_t now)
{
	static const char *const names[] = {
		[ENGINE_STEP_CACHE] = "cache",
		[ENGINE_STEP_RULE] = "rule",
		[ENGINE_STEP_DANE] = "dane",
		[ENGINE_STEP_RECORD] = "record",
		[ENGINE_STEP_FETCH] = "fetch",
		[ENGINE_STEP_STORED] = "stored",
		[ENGINE_STEP_LATE] = "late",
		[ENGINE_STEP_DECISION] = "decision",
	};

	json_open_object(w, NULL);
	json_put_z(w, "step", names[step->kind]);
	json_put_z(w, "note", step->note != NULL ? step->note : "");
	if (step->entry != NULL)
		policy_json_entry(
			w, "entry", step->entry, step->in_force, true);
	if (step->rule != NULL)
		policy_json_rule(w, "rule", step->rule, now);
	if (step->dane != NULL)
		put_dane(w, step->dane);
	if (step->record != NULL)
		put_record(w, step->record);
	if (step->fetch != NULL)
		put_fetch(w, a, step->fetch);
	json_close_object(w);
}

/* ---- answers */

/* Which TLS report the domain gets from an MTA that sends such reports. */
static const char *report_text(const struct decision *d)
{
	switch (d->action) {
	case DECISION_SECURE:
		return d->tlsrpt ? "policy type sts, with each session that "
				   "failed and why"
				 : "none about this policy: the profile has no "
				   "TLSRPT attributes, which Postfix takes "
				   "from 3.10 on";
	case DECISION_DANE_ONLY:
	case DECISION_DANE:
		return "policy type tlsa, where a host has TLSA records";
	case DECISION_MAY_REPORT:
		return d->failed ? tlsrpt_result_name(d->failure)
				 : "policy type sts; mail goes out whatever "
				   "the report says";
	case DECISION_TEMP:
		return "none: no session is tried";
	case DECISION_NOTFOUND:
		break;
	}
	return d->why == DECISION_WHY_DANE || d->why == DECISION_WHY_DANE_PART
		       ? "policy type tlsa, where the MTA does DANE itself"
		       : "policy type no-policy-found";
}

void policy_json_answer(struct json_writer *w, struct arena *a,
	const struct engine_profile *profile, const struct decision *d)
{
	struct sbuf b = sbuf_arena(a, POSTFIX_REPLY_BYTES_MAX);
	bool ok = postfix_reply_write(&b, d) == ST_OK;
	struct str reply = sbuf_str(&b);

	json_open_object(w, NULL);
	json_put_str(w, "profile", profile->name);
	json_put_z(w, "kind", sts_profile_kind_name(profile->profile.kind));
	json_put_z(w, "action", decision_action_word(d->action));
	json_put_z(w, "why", decision_why_word(d->why));
	if (ok)
		json_put_str(w, "reply", reply);
	if (ok && str_starts(reply, STR("OK ")))
		json_put_str(w, "line", str_from(reply, 3));
	json_put_z(w, "report", report_text(d));
	json_close_object(w);
}
