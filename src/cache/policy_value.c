/* SPDX-License-Identifier: Apache-2.0 */
/* policy_value: a version byte, fields in order, a checksum (base/wire.h). */
#include "cache/policy_value.h"

#include "proto/dns_name.h"
#include "proto/host_name.h"
#include "proto/sts_match.h"
#include "proto/sts_record.h"

#include "base/poison.h"

#define VERSION 1
#define SUM_BYTES 8
#define FLAG_GONE 1u

/* ---- keys ---- */

static enum status name_key(char kind, struct str domain, struct sbuf *b)
{
	struct dns_name name;

	if (dns_name_parse(domain, &name) != ST_OK || name.n <= 1)
		return ST_INVALID;
	sbuf_addc(b, kind);
	dns_name_key(b, &name);
	return sbuf_ok(b) ? ST_OK : ST_INVALID;
}

enum status policy_key_entry(struct str domain, struct policy_key *out)
{
	/* Room for the time that policy_key_times puts before it. */
	struct sbuf b = sbuf_fixed(out->p, sizeof(out->p) - 8);
	enum status st = name_key(POLICY_KEY_ENTRY, domain, &b);

	out->n = b.n;
	return st;
}

enum status policy_key_rule(
	struct str profile, struct str domain, struct policy_key *out)
{
	struct sbuf b = sbuf_fixed(out->p, sizeof(out->p));
	enum status st = name_key(POLICY_KEY_RULE, domain, &b);

	if (st != ST_OK || profile.n == 0 ||
		profile.n > POLICY_PROFILE_BYTES_MAX)
		return ST_INVALID;
	/* Not the beginning of a label, see dns_name_key. */
	sbuf_addc(&b, 0);
	sbuf_add(&b, profile);
	out->n = b.n;
	return sbuf_ok(&b) ? ST_OK : ST_INVALID;
}

void policy_key_times(int64_t at, struct str entry, struct policy_key *out)
{
	struct wire_out w = wire_out_of(out->p, sizeof(out->p));

	wire_put_u8(&w, POLICY_KEY_TIMES);
	wire_put_u64(&w, at < 0 ? 0 : (uint64_t)at);
	wire_put_bytes(&w, str_from(entry, 1));
	out->n = w.n;
}

int64_t policy_key_time(struct str key)
{
	struct wire_in in = wire_in_of(str_from(key, 1));
	uint64_t at = wire_u64(&in);

	return wire_ok(&in) && at <= INT64_MAX ? (int64_t)at : 0;
}

/* ---- parts of values ---- */

/* FNV-1a: a change of any one byte changes it. */
static uint64_t sum_add(uint64_t sum, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		sum = (sum ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return sum;
}

static uint64_t sum_of(struct str key, struct str value)
{
	return sum_add(sum_add(UINT64_C(0xcbf29ce484222325), key), value);
}

static void put_sum(struct wire_out *out, struct str key)
{
	if (!out->failed)
		wire_put_u64(out, sum_of(key, wire_out_str(out)));
}

/* A cursor over what lies between version and checksum. */
static enum status open_value(
	struct str key, struct str value, struct wire_in *in)
{
	struct wire_in sum;

	if (value.n < 1 + SUM_BYTES || value.p[0] != VERSION)
		return ST_INVALID;
	sum = wire_in_of(str_from(value, value.n - SUM_BYTES));
	value.n -= SUM_BYTES;
	if (wire_u64(&sum) != sum_of(key, value))
		return ST_INVALID;
	*in = wire_in_of(str_from(value, 1));
	return ST_OK;
}

/* Texts of at most 255 bytes. */
static void put_short(struct wire_out *out, struct str s)
{
	if (s.n > UINT8_MAX)
		out->failed = true;
	wire_put_u8(out, (uint8_t)s.n);
	wire_put_bytes(out, s);
}

static struct str get_short(struct wire_in *in)
{
	return wire_bytes(in, wire_u8(in));
}

static void put_time(struct wire_out *out, int64_t t)
{
	if (t < 0)
		out->failed = true;
	wire_put_u64(out, (uint64_t)t);
}

static int64_t get_time(struct wire_in *in)
{
	uint64_t t = wire_u64(in);

	if (t > INT64_MAX)
		in->failed = true;
	return (int64_t)t;
}

static bool id_ok(struct str id)
{
	return id.n == 0 || sts_id_valid(id);
}

static void put_mode(struct wire_out *out, enum sts_mode mode)
{
	wire_put_u8(out, (uint8_t)mode);
}

static enum sts_mode get_mode(struct wire_in *in)
{
	uint8_t mode = wire_u8(in);

	if (mode > STS_MODE_ENFORCE)
		in->failed = true;
	return (enum sts_mode)mode;
}

/* ---- entries ---- */

static void put_head(struct wire_out *out, const struct policy_entry *e)
{
	wire_put_u8(out, VERSION);
	put_short(out, e->domain);
	wire_put_u32(out, e->policy.max_age_s);
	put_time(out, e->fetched_at);
	put_time(out, e->next_refresh);
	put_mode(out, e->policy.mode);
}

static void get_head(struct wire_in *in, struct policy_entry *e)
{
	e->domain = get_short(in);
	e->policy.max_age_s = wire_u32(in);
	e->fetched_at = get_time(in);
	e->next_refresh = get_time(in);
	e->policy.mode = get_mode(in);
	e->policy.outcome = STS_POLICY_VALID;
	if (e->policy.max_age_s > STS_MAX_AGE_MAX ||
		e->fetched_at > INT64_MAX - STS_MAX_AGE_MAX)
		in->failed = true;
}

static void put_past(struct wire_out *out, const struct policy_entry *e)
{
	if (e->n_past > POLICY_HISTORY_MAX)
		out->failed = true;
	wire_put_u8(out, (uint8_t)e->n_past);
	for (size_t i = 0; i < e->n_past; i++) {
		put_time(out, e->past[i].fetched_at);
		put_mode(out, e->past[i].mode);
		put_short(out, e->past[i].id);
	}
}

static enum status get_past(
	struct arena *a, struct wire_in *in, struct policy_entry *e)
{
	size_t n = wire_u8(in);

	if (n > POLICY_HISTORY_MAX)
		return ST_INVALID;
	e->past = arena_array(a, n, sizeof(*e->past));
	if (e->past == NULL)
		return ST_LIMIT;
	for (e->n_past = 0; e->n_past < n; e->n_past++) {
		struct policy_past *past = &e->past[e->n_past];

		past->fetched_at = get_time(in);
		past->mode = get_mode(in);
		past->id = get_short(in);
		if (!id_ok(past->id))
			return ST_INVALID;
	}
	return ST_OK;
}

static void put_mx(struct wire_out *out, const struct sts_policy *p)
{
	if (p->n_mx > UINT16_MAX)
		out->failed = true;
	wire_put_u16(out, (uint16_t)p->n_mx);
	for (size_t i = 0; i < p->n_mx; i++)
		put_short(out, p->mx[i]);
}

static enum status get_mx(
	struct arena *a, struct wire_in *in, struct sts_policy *p)
{
	size_t n = wire_u16(in);

	/* A false count cannot ask for more than the value is long. */
	if (n > wire_left(in) || (n == 0 && p->mode != STS_MODE_NONE))
		return ST_INVALID;
	p->mx = arena_array(a, n, sizeof(*p->mx));
	if (p->mx == NULL)
		return ST_LIMIT;
	for (p->n_mx = 0; p->n_mx < n; p->n_mx++) {
		p->mx[p->n_mx] = get_short(in);
		if (!sts_pattern_valid(p->mx[p->n_mx]))
			return ST_INVALID;
	}
	return ST_OK;
}

void policy_entry_write(
	struct wire_out *out, struct str key, const struct policy_entry *e)
{
	if (!id_ok(e->id) || e->domain.n == 0 ||
		e->text.n > POLICY_TEXT_BYTES_MAX)
		out->failed = true;
	put_head(out, e);
	put_time(out, e->first_seen);
	put_time(out, e->used_at);
	put_time(out, e->failed_since);
	wire_put_u16(out, e->failures);
	wire_put_u8(out, e->alarm);
	wire_put_u8(out, e->gone ? FLAG_GONE : 0);
	put_short(out, e->id);
	put_past(out, e);
	put_mx(out, &e->policy);
	wire_put_u16(out, (uint16_t)e->text.n);
	wire_put_bytes(out, e->text);
	put_sum(out, key);
}

static enum status read_entry(
	struct arena *a, struct wire_in *in, struct policy_entry *e)
{
	enum status st;

	get_head(in, e);
	e->first_seen = get_time(in);
	e->used_at = get_time(in);
	e->failed_since = get_time(in);
	e->failures = wire_u16(in);
	e->alarm = wire_u8(in);
	e->gone = (wire_u8(in) & FLAG_GONE) != 0;
	e->id = get_short(in);
	if (!wire_ok(in) || !id_ok(e->id))
		return ST_INVALID;
	st = get_past(a, in, e);
	if (st == ST_OK)
		st = get_mx(a, in, &e->policy);
	if (st != ST_OK)
		return st;
	e->text = wire_bytes(in, wire_u16(in));
	return wire_done(in) && e->text.n <= POLICY_TEXT_BYTES_MAX ? ST_OK
								   : ST_INVALID;
}

enum status policy_entry_read(struct arena *a, struct str key, struct str value,
	struct policy_entry *entry)
{
	struct policy_entry e = {};
	struct wire_in in;
	enum status st = open_value(key, value, &in);

	if (st == ST_OK)
		st = read_entry(a, &in, &e);
	if (st == ST_OK && host_name_fault(e.domain) != HOST_NAME_GOOD)
		st = ST_INVALID;
	if (st == ST_OK)
		*entry = e;
	return st;
}

enum status policy_times_read(struct str value, struct policy_times *out)
{
	struct wire_in in = wire_in_of(value);
	struct policy_entry e = {};

	if (wire_u8(&in) != VERSION)
		return ST_INVALID;
	get_head(&in, &e);
	if (!wire_ok(&in))
		return ST_INVALID;
	out->expires = policy_entry_expires(&e);
	out->next_refresh = e.next_refresh;
	out->domain = e.domain;
	return ST_OK;
}

int64_t policy_entry_expires(const struct policy_entry *entry)
{
	return entry->fetched_at + entry->policy.max_age_s;
}

/* ---- rules ---- */

void policy_rule_write(
	struct wire_out *out, struct str key, const struct policy_rule *r)
{
	if (r->reason.n > POLICY_REASON_BYTES_MAX)
		out->failed = true;
	wire_put_u8(out, VERSION);
	put_short(out, r->profile);
	put_short(out, r->domain);
	wire_put_u8(out, (uint8_t)r->kind);
	put_time(out, r->set_at);
	put_time(out, r->expires);
	wire_put_u16(out, (uint16_t)r->reason.n);
	wire_put_bytes(out, r->reason);
	put_sum(out, key);
}

enum status policy_rule_read(
	struct str key, struct str value, struct policy_rule *rule)
{
	struct policy_rule r;
	struct wire_in in;
	uint8_t kind;

	if (open_value(key, value, &in) != ST_OK)
		return ST_INVALID;
	r.profile = get_short(&in);
	r.domain = get_short(&in);
	kind = wire_u8(&in);
	r.kind = (enum policy_rule_kind)kind;
	r.set_at = get_time(&in);
	r.expires = get_time(&in);
	r.reason = wire_bytes(&in, wire_u16(&in));
	if (!wire_done(&in) || kind > POLICY_RULE_PIN)
		return ST_INVALID;
	*rule = r;
	return ST_OK;
}

static const char *const rule_names[] = {
	[POLICY_RULE_OFF] = "off",
	[POLICY_RULE_ENFORCE] = "enforce",
	[POLICY_RULE_TESTING] = "testing",
	[POLICY_RULE_PIN] = "pin",
};

const char *policy_rule_name(enum policy_rule_kind kind)
{
	return rule_names[kind];
}

enum status policy_rule_parse(struct str s, enum policy_rule_kind *out)
{
	for (unsigned i = 0; i <= POLICY_RULE_PIN; i++) {
		if (!str_eq(s, str_of(rule_names[i])))
			continue;
		*out = (enum policy_rule_kind)i;
		return ST_OK;
	}
	return ST_INVALID;
}

/* ---- the file ---- */

void policy_state_write(struct wire_out *out, int64_t noted)
{
	wire_put_u8(out, VERSION);
	put_time(out, noted);
	put_sum(out, POLICY_KEY_STATE);
}

enum status policy_state_read(struct str value, int64_t *noted)
{
	struct wire_in in;

	if (value.n > 0 && (unsigned char)value.p[0] > VERSION)
		return ST_PERM;
	if (open_value(POLICY_KEY_STATE, value, &in) != ST_OK)
		return ST_INVALID;
	*noted = get_time(&in);
	return wire_done(&in) ? ST_OK : ST_INVALID;
}
