/* SPDX-License-Identifier: Apache-2.0 */
/* probe_dns: the questions that DNS alone answers. */
#include <stdlib.h>

#include "base/vec.h"
#include "check/probe_own.h"

#include "base/poison.h"

static const struct {
	const char *name;
	uint16_t type;
} types[] = {
	{ "A", DNS_TYPE_A },
	{ "NS", DNS_TYPE_NS },
	{ "CNAME", DNS_TYPE_CNAME },
	{ "SOA", DNS_TYPE_SOA },
	{ "MX", DNS_TYPE_MX },
	{ "TXT", DNS_TYPE_TXT },
	{ "AAAA", DNS_TYPE_AAAA },
	{ "TLSA", DNS_TYPE_TLSA },
	{ "CAA", DNS_TYPE_CAA },
};

static bool read_type(struct job *j, uint16_t *out)
{
	struct str word;

	if (!job_word(j, "type", &word))
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (str_eq_nocase(word, str_of(types[i].name))) {
			*out = types[i].type;
			return true;
		}
	job_end(j, PROBE_UNKNOWN, "there is no such type");
	return false;
}

static struct str rdata_text(struct job *j, uint16_t type, struct str rdata)
{
	struct sbuf b = sbuf_arena(j->a, DNS_RDATA_MAX * 4u);

	dns_rdata_write(&b, type, rdata);
	return sbuf_str(&b);
}

static struct str txt_text(struct job *j, struct str rdata)
{
	struct str text = {};

	if (dns_txt_read(j->a, rdata, &text) != ST_OK)
		return (struct str){};
	return text;
}

/* ---- lookup */

void probe_do_lookup(struct job *j)
{
	static const char *const words[] = { "insecure", "secure", "bogus" };
	struct resolver_answer ans;
	struct err e = {};
	struct str name;
	uint16_t type;

	if (!job_word(j, "name", &name) || !read_type(j, &type))
		return;
	if (resolver_lookup(j->p->resolver, name, type, j->deadline, j->a, &ans,
		    &e) != ST_OK) {
		job_end(j, PROBE_UNKNOWN, "%s", e.text);
		return;
	}
	for (size_t i = 0; i < ans.n; i++)
		job_found(j, type == DNS_TYPE_TXT
				     ? txt_text(j, ans.rdata[i])
				     : rdata_text(j, type, ans.rdata[i]));
	job_note(j, "DNSSEC: %s", words[ans.security]);
	j->missing = ans.n == 0;
	if (ans.security == RESOLVER_BOGUS)
		job_end(j, PROBE_UNKNOWN, "DNSSEC is broken: %.*s",
			STR_ARG(str_upto(ans.why_bogus, 300)));
	else if (ans.n == 0)
		job_end(j, PROBE_FAIL, "%s",
			ans.nxdomain ? "the name does not exist"
				     : "there are no such records");
	else
		job_end(j, PROBE_PASS, "%zu records", ans.n);
}

/* ---- all authoritative servers of a name, CNAMEs followed */

/* The CNAME a reply has at name, or NULL. */
static const struct dns_record *cname_at(
	const struct dns_result *r, const struct dns_name *name)
{
	for (size_t i = 0; i < r->n_answer; i++)
		if (r->answer[i].type == DNS_TYPE_CNAME &&
			dns_name_eq(&r->answer[i].owner, name))
			return &r->answer[i];
	return NULL;
}

static size_t count_at(
	const struct dns_result *r, const struct dns_name *name, uint16_t type)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_answer; i++)
		n += r->answer[i].type == type &&
		     dns_name_eq(&r->answer[i].owner, name);
	return n;
}

/* Servers of name, asked; false after job_end if none answered. */
static bool gather(struct job *j, struct dns_name *name, uint16_t type,
	struct servers *out)
{
	struct str text = probe_name_text(j, name);
	struct err e = {};

	*out = (struct servers){};
	if (probe_zone_servers(j, text, out, &e) != ST_OK) {
		job_end(j, PROBE_UNKNOWN, "%.*s: %s", STR_ARG(text), e.text);
		return false;
	}
	if (probe_ask_servers(j, out, name, type) > 0)
		return true;
	job_end(j, PROBE_UNKNOWN,
		"none of the name servers of %.*s gives an answer",
		STR_ARG(text));
	return false;
}

static const struct asked *first_answer(const struct servers *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].answered)
			return &s->items[i];
	return NULL;
}

/* As gather; goes on at the CNAME's target while there is one. */
static bool gather_through(struct job *j, struct dns_name *name, uint16_t type,
	struct servers *out)
{
	for (int hop = 0; hop < PROBE_CNAMES_MAX; hop++) {
		const struct asked *a;
		const struct dns_record *cname;

		if (!gather(j, name, type, out))
			return false;
		a = first_answer(out);
		cname = cname_at(&a->reply, name);
		if (cname == NULL || count_at(&a->reply, name, type) > 0)
			return true;
		if (dns_rr_name_read(cname->rdata, name) != ST_OK)
			break;
	}
	job_end(j, PROBE_UNKNOWN, "the CNAMEs do not come to an end");
	return false;
}

static bool read_name(struct job *j, const char *member, struct dns_name *out)
{
	struct str text;

	if (!job_word(j, member, &text))
		return false;
	if (dns_name_parse(text, out) == ST_OK)
		return true;
	job_end(j, PROBE_UNKNOWN, "%s is no domain name", member);
	return false;
}

void probe_do_authoritative(struct job *j)
{
	struct servers s = {};
	struct dns_name name;
	uint16_t type;

	if (!read_name(j, "name", &name) || !read_type(j, &type) ||
		!gather(j, &name, type, &s))
		return;
	for (size_t i = 0; i < s.n; i++) {
		const struct dns_result *r = &s.items[i].reply;

		for (size_t k = 0; s.items[i].answered && k < r->n_answer; k++)
			if (r->answer[k].type == type)
				job_found(j, rdata_text(j, type,
						     r->answer[k].rdata));
	}
	j->missing = j->found.n == 0;
	job_end(j, j->missing ? PROBE_FAIL : PROBE_PASS, "%zu records",
		j->found.n);
}

/* ---- cname */

/* No CNAME where one should be: what is there instead? */
static void tell_instead(struct job *j, struct dns_name *name)
{
	static const uint16_t other[] = { DNS_TYPE_A, DNS_TYPE_AAAA,
		DNS_TYPE_TXT };
	struct str text = probe_name_text(j, name);
	struct servers s;

	for (size_t t = 0; t < sizeof(other) / sizeof(*other); t++) {
		const struct asked *a;

		if (!gather(j, name, other[t], &s))
			return;
		a = first_answer(&s);
		for (size_t i = 0; i < a->reply.n_answer; i++)
			if (a->reply.answer[i].type == other[t])
				job_found(j, rdata_text(j, other[t],
						     a->reply.answer[i].rdata));
		if (j->found.n == 0)
			continue;
		job_end(j, PROBE_FAIL,
			"%.*s is no CNAME, it has records of its own (%.*s)",
			STR_ARG(text),
			STR_ARG(str_upto(j->found.items[0], 200)));
		return;
	}
	j->missing = true;
	job_end(j, PROBE_FAIL, "%.*s does not exist yet", STR_ARG(text));
}

/* One hop: where do all servers say that name leads? false after job_end. */
static bool one_hop(struct job *j, struct dns_name *name, bool first)
{
	struct str text = probe_name_text(j, name);
	struct dns_name next = {}, other;
	const struct asked *said = NULL, *lacks = NULL;
	struct servers s;

	if (!gather(j, name, DNS_TYPE_CNAME, &s))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const struct dns_record *r;

		if (!s.items[i].answered)
			continue;
		r = cname_at(&s.items[i].reply, name);
		if (r == NULL || dns_rr_name_read(r->rdata, &other) != ST_OK) {
			lacks = &s.items[i];
		} else if (said == NULL) {
			said = &s.items[i];
			next = other;
		} else if (!dns_name_eq(&next, &other)) {
			job_end(j, PROBE_FAIL,
				"the name servers of %.*s disagree: %.*s and "
				"%.*s lead to different names",
				STR_ARG(text), STR_ARG(said->name),
				STR_ARG(s.items[i].name));
			return false;
		}
	}
	if (said == NULL) {
		if (first)
			tell_instead(j, name);
		return false;
	}
	if (lacks != NULL) {
		job_end(j, PROBE_FAIL, "%.*s has the CNAME of %.*s, %.*s not",
			STR_ARG(said->name), STR_ARG(text),
			STR_ARG(lacks->name));
		return false;
	}
	*name = next;
	job_found(j, probe_name_text(j, name));
	return true;
}

void probe_do_cname(struct job *j)
{
	struct dns_name name, target, start;

	if (!read_name(j, "name", &name) || !read_name(j, "target", &target))
		return;
	start = name;
	for (int hop = 0; hop < PROBE_CNAMES_MAX; hop++) {
		j->detail = (struct str){};
		if (!one_hop(j, &name, hop == 0)) {
			if (j->detail.p != NULL)
				return;
			break;
		}
		if (!dns_name_eq(&name, &target))
			continue;
		job_end(j, PROBE_PASS, "%.*s leads to %.*s",
			STR_ARG(probe_name_text(j, &start)),
			STR_ARG(probe_name_text(j, &target)));
		return;
	}
	job_end(j, PROBE_FAIL, "%.*s leads to %.*s",
		STR_ARG(probe_name_text(j, &start)),
		STR_ARG(probe_name_text(j, &name)));
}

/* ---- txt */

void probe_do_txt(struct job *j)
{
	const struct asked *has = NULL, *lacks = NULL;
	struct servers s = {};
	struct dns_name name;
	struct str want;

	if (!read_name(j, "name", &name) || !job_word(j, "value", &want) ||
		!gather_through(j, &name, DNS_TYPE_TXT, &s))
		return;
	for (size_t i = 0; i < s.n; i++) {
		const struct dns_result *r = &s.items[i].reply;
		bool hit = false;

		if (!s.items[i].answered)
			continue;
		for (size_t k = 0; k < r->n_answer; k++) {
			struct str text;

			if (r->answer[k].type != DNS_TYPE_TXT ||
				!dns_name_eq(&r->answer[k].owner, &name))
				continue;
			text = txt_text(j, r->answer[k].rdata);
			job_found(j, text);
			hit |= str_eq(text, want);
		}
		if (hit)
			has = &s.items[i];
		else
			lacks = &s.items[i];
	}
	j->missing = j->found.n == 0;
	if (has == NULL)
		job_end(j, PROBE_FAIL, "the TXT record is not there");
	else if (lacks != NULL)
		job_end(j, PROBE_FAIL, "%.*s has the TXT record, %.*s not",
			STR_ARG(has->name), STR_ARG(lacks->name));
	else
		job_end(j, PROBE_PASS, "the TXT record is there");
}

/* ---- mx */

static int by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static struct strs mx_of(
	struct job *j, const struct dns_result *r, const struct dns_name *name)
{
	struct dns_name host;
	struct strs list = {};
	uint16_t preference;

	for (size_t i = 0; i < r->n_answer; i++)
		if (r->answer[i].type == DNS_TYPE_MX &&
			dns_name_eq(&r->answer[i].owner, name) &&
			dns_mx_read(r->answer[i].rdata, &preference, &host) ==
				ST_OK)
			(void)VEC_PUSH(j->a, &list, probe_name_text(j, &host));
	if (list.n > 1)
		qsort(list.items, list.n, sizeof(*list.items), by_bytes);
	return list;
}

static bool same(const struct strs *a, const struct strs *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_eq(a->items[i], b->items[i]))
			return false;
	return true;
}

void probe_do_mx(struct job *j)
{
	const struct asked *first = NULL;
	struct servers s = {};
	struct strs mx = {};
	struct dns_name name;

	if (!read_name(j, "name", &name) ||
		!gather_through(j, &name, DNS_TYPE_MX, &s))
		return;
	for (size_t i = 0; i < s.n; i++) {
		struct strs other;

		if (!s.items[i].answered)
			continue;
		other = mx_of(j, &s.items[i].reply, &name);
		if (first == NULL) {
			first = &s.items[i];
			mx = other;
		} else if (!same(&mx, &other)) {
			job_end(j, PROBE_FAIL,
				"the name servers disagree about the MX "
				"hosts: %.*s has %zu, %.*s %zu or others",
				STR_ARG(first->name), mx.n,
				STR_ARG(s.items[i].name), other.n);
			return;
		}
	}
	for (size_t i = 0; i < mx.n; i++)
		job_found(j, mx.items[i]);
	j->missing = mx.n == 0;
	if (mx.n == 0)
		job_end(j, PROBE_FAIL, "%s",
			first->reply.rcode == 3 ? "the domain does not exist"
						: "the domain has no MX");
	else
		job_end(j, PROBE_PASS, "%zu MX hosts, the same at all servers",
			j->found.n);
}

/* ---- soa */

static void read_servers(
	struct job *j, const struct json *list, struct servers *out)
{
	if (list == NULL || list->type != JSON_ARRAY)
		return;
	for (const struct json *v = list->first;
		v != NULL && out->n < PROBE_SERVERS_MAX; v = v->next) {
		struct asked s = { .name = json_str(v) };

		if (addr_parse(s.name, j->p->o->dns_port, &s.addr) == ST_OK)
			(void)VEC_PUSH(j->a, out, s);
	}
}

static bool shows_serial(const struct asked *q, uint32_t serial, uint32_t *is)
{
	struct dns_soa soa;

	for (size_t i = 0; q->answered && i < q->reply.n_answer; i++)
		if (q->reply.answer[i].type == DNS_TYPE_SOA &&
			dns_soa_read(q->reply.answer[i].rdata, &soa) == ST_OK) {
			*is = soa.serial;
			return soa.serial == serial ||
			       dns_serial_newer(soa.serial, serial);
		}
	return false;
}

/* The servers are the operator's own, so private addresses are fine. */
void probe_do_soa(struct job *j)
{
	struct servers s = {};
	struct dns_name zone;
	struct err e = {};
	int64_t serial;
	size_t behind = 0, silent = 0;

	if (!read_name(j, "zone", &zone))
		return;
	if (json_i64(json_get(j->q, "serial"), 0, UINT32_MAX, &serial) !=
		ST_OK) {
		job_end(j, PROBE_UNKNOWN, "serial is no number");
		return;
	}
	read_servers(j, json_get(j->q, "servers"), &s);
	if (s.n == 0 && probe_zone_servers(j, probe_name_text(j, &zone), &s,
				&e) != ST_OK) {
		job_end(j, PROBE_UNKNOWN, "%s", e.text);
		return;
	}
	(void)probe_ask_servers(j, &s, &zone, DNS_TYPE_SOA);
	for (size_t i = 0; i < s.n; i++) {
		uint32_t is = 0;

		if (!s.items[i].answered)
			silent++;
		else if (!shows_serial(&s.items[i], (uint32_t)serial, &is))
			behind++;
		job_note(j, "%.*s: serial %u", STR_ARG(s.items[i].name), is);
	}
	if (behind > 0)
		job_end(j, PROBE_FAIL, "%zu of %zu servers are behind", behind,
			s.n);
	else if (silent > 0)
		job_end(j, PROBE_UNKNOWN, "%zu of %zu servers do not answer",
			silent, s.n);
	else
		job_end(j, PROBE_PASS, "all servers show the serial");
}
