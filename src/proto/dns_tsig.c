/* SPDX-License-Identifier: Apache-2.0 */
/* dns_tsig: RFC 8945; digest components by section 4.3. */
#include <string.h>

#include "base/bug.h"
#include "proto/dns_rr.h"
#include "proto/dns_tsig.h"

#include "base/poison.h"

#define MAC_MIN 16 /* half of the hash, section 5.2.2.1 */
#define HEADER_BYTES 12
#define ARCOUNT_AT 10
#define PARTS_MAX 6
#define VARIABLES_MAX (2 * DNS_NAME_MAX + 32)

static const struct dns_name hmac_sha256 = { .n = 13,
	.wire = "\013hmac-sha256" };

bool dns_tsig_read(struct str rdata, struct dns_tsig *t)
{
	struct wire_in in = wire_in_of(rdata);

	t->algorithm = dns_name_read(&in);
	if (in.at != t->algorithm.n)
		return false; /* compressed, section 4.2 */
	t->time = (uint64_t)wire_u16(&in) << 32;
	t->time |= wire_u32(&in);
	t->fudge = wire_u16(&in);
	t->mac = wire_bytes(&in, wire_u16(&in));
	t->original_id = wire_u16(&in);
	t->error = wire_u16(&in);
	t->other = wire_bytes(&in, wire_u16(&in));
	return wire_done(&in);
}

static void put_time(struct wire_out *out, uint64_t time)
{
	wire_put_u16(out, (uint16_t)(time >> 32));
	wire_put_u32(out, (uint32_t)time);
}

static void put_canonical(struct wire_out *out, struct dns_name name)
{
	dns_name_lower(&name);
	wire_put_bytes(out, dns_name_wire(&name));
}

/* Section 4.3.3: all that is signed of the record itself. */
static void put_variables(struct wire_out *out, const struct dns_tsig *t)
{
	put_canonical(out, t->key);
	wire_put_u16(out, DNS_CLASS_ANY);
	wire_put_u32(out, 0);
	put_canonical(out, t->algorithm);
	put_time(out, t->time);
	wire_put_u16(out, t->fudge);
	wire_put_u16(out, t->error);
	wire_put_u16(out, (uint16_t)t->other.n);
	wire_put_bytes(out, t->other);
}

/*
 * The MAC of a message in two pieces (its header and what is between that and
 * the TSIG record), chained to the session's last MAC if there is one
 * (sections 4.3.1 and 5.3.1).
 */
static void digest(const struct dns_tsig_session *s, struct str head,
	struct str body, const struct dns_tsig *t, uint8_t mac[DNS_TSIG_MAC])
{
	unsigned char prior[2], vars[VARIABLES_MAX];
	struct wire_out len = wire_out_of(prior, sizeof(prior));
	struct wire_out out = wire_out_of(vars, sizeof(vars));
	struct str parts[PARTS_MAX];
	size_t n = 0;

	if (s->mac_n > 0) {
		wire_put_u16(&len, (uint16_t)s->mac_n);
		parts[n++] = wire_out_str(&len);
		parts[n++] = (struct str){ (const char *)s->mac, s->mac_n };
	}
	parts[n++] = head;
	parts[n++] = body;
	if (s->later) {
		put_time(&out, t->time);
		wire_put_u16(&out, t->fudge);
	} else {
		put_variables(&out, t);
	}
	BUG(out.failed);
	parts[n++] = wire_out_str(&out);
	s->hmac(s->key->secret, parts, n, mac);
}

/* As digest, of a received message: its id and count are put back first. */
static void digest_received(const struct dns_tsig_session *s, struct str msg,
	const struct dns_tsig *t, uint8_t mac[DNS_TSIG_MAC])
{
	unsigned char head[HEADER_BYTES];
	unsigned count;

	BUG(t->at < HEADER_BYTES || t->at > msg.n);
	memcpy(head, msg.p, sizeof(head));
	head[0] = (unsigned char)(t->original_id >> 8);
	head[1] = (unsigned char)t->original_id;
	count = (unsigned)head[ARCOUNT_AT] << 8 | head[ARCOUNT_AT + 1];
	count--;
	head[ARCOUNT_AT] = (unsigned char)(count >> 8);
	head[ARCOUNT_AT + 1] = (unsigned char)count;
	digest(s, (struct str){ (const char *)head, sizeof(head) },
		str_from(str_upto(msg, t->at), sizeof(head)), t, mac);
}

/* Compares all bytes, so that the time taken tells nothing. */
static bool mac_eq(const uint8_t *a, struct str b)
{
	unsigned differs = 0;

	for (size_t i = 0; i < b.n; i++)
		differs |= (unsigned)(a[i] ^ (uint8_t)b.p[i]);
	return differs == 0;
}

/* Sections 5.2.2 to 5.2.4, once the key is known. */
static enum dns_tsig_error check(const struct dns_tsig_session *s,
	struct str msg, const struct dns_tsig *t, uint64_t now)
{
	uint8_t mac[DNS_TSIG_MAC];

	/* Variables with more than that would not fit the digest. */
	if (t->mac.n < MAC_MIN || t->mac.n > DNS_TSIG_MAC ||
		t->other.n > DNS_TSIG_OTHER_MAX)
		return DNS_TSIG_FORMERR;
	digest_received(s, msg, t, mac);
	if (!mac_eq(mac, t->mac))
		return DNS_TSIG_BADSIG;
	if (now > t->time + t->fudge || now + t->fudge < t->time)
		return DNS_TSIG_BADTIME;
	if (t->mac.n < DNS_TSIG_MAC)
		return DNS_TSIG_BADTRUNC;
	return DNS_TSIG_OK;
}

static const struct dns_tsig_key *find_key(
	const struct dns_tsig_key *keys, size_t n, const struct dns_tsig *t)
{
	if (!dns_name_eq(&t->algorithm, &hmac_sha256))
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (dns_name_eq(&keys[i].name, &t->key))
			return &keys[i];
	return NULL;
}

static void keep_mac(struct dns_tsig_session *s, struct str mac)
{
	memcpy(s->mac, mac.p, mac.n);
	s->mac_n = mac.n;
}

enum dns_tsig_error dns_tsig_verify(const struct dns_tsig_key *keys, size_t n,
	dns_hmac_fn *hmac, struct str msg, const struct dns_tsig *t,
	uint64_t now, struct dns_tsig_session *s)
{
	*s = (struct dns_tsig_session){ .key_name = t->key,
		.algorithm = t->algorithm,
		.hmac = hmac,
		.request_time = t->time,
		.error = DNS_TSIG_BADKEY };
	s->key = find_key(keys, n, t);
	if (s->key == NULL)
		return s->error;
	s->error = check(s, msg, t, now);
	if (s->error == DNS_TSIG_OK || s->error == DNS_TSIG_BADTIME ||
		s->error == DNS_TSIG_BADTRUNC)
		keep_mac(s, t->mac);
	else
		s->key = NULL;
	return s->error;
}

size_t dns_tsig_bytes(const struct dns_tsig_session *s)
{
	return s->key_name.n + 10u + s->algorithm.n + 16u + DNS_TSIG_MAC +
	       DNS_TSIG_OTHER_MAX;
}

static void put_record(
	struct wire_out *msg, const struct dns_tsig *t, uint16_t count)
{
	size_t len_at;

	wire_put_bytes(msg, dns_name_wire(&t->key));
	wire_put_u16(msg, DNS_TYPE_TSIG);
	wire_put_u16(msg, DNS_CLASS_ANY);
	wire_put_u32(msg, 0);
	len_at = msg->n;
	wire_put_u16(msg, 0);
	wire_put_bytes(msg, dns_name_wire(&t->algorithm));
	put_time(msg, t->time);
	wire_put_u16(msg, t->fudge);
	wire_put_u16(msg, (uint16_t)t->mac.n);
	wire_put_bytes(msg, t->mac);
	wire_put_u16(msg, t->original_id);
	wire_put_u16(msg, t->error);
	wire_put_u16(msg, (uint16_t)t->other.n);
	wire_put_bytes(msg, t->other);
	wire_patch_u16(msg, len_at, (uint16_t)(msg->n - len_at - 2));
	wire_patch_u16(msg, ARCOUNT_AT, count);
}

/* Signs msg with what t says so far and appends the record. */
static void sign(
	struct dns_tsig_session *s, struct wire_out *msg, struct dns_tsig *t)
{
	struct str all = wire_out_str(msg);
	uint8_t mac[DNS_TSIG_MAC];
	unsigned count;

	BUG(msg->n < HEADER_BYTES);
	t->key = s->key_name;
	t->algorithm = s->algorithm;
	t->fudge = DNS_TSIG_FUDGE_S;
	t->original_id = (uint16_t)(msg->p[0] << 8 | msg->p[1]);
	count = (unsigned)msg->p[ARCOUNT_AT] << 8 | msg->p[ARCOUNT_AT + 1];
	if (s->key != NULL) {
		digest(s, str_upto(all, HEADER_BYTES),
			str_from(all, HEADER_BYTES), t, mac);
		t->mac = (struct str){ (const char *)mac, sizeof(mac) };
		keep_mac(s, t->mac);
	}
	put_record(msg, t, (uint16_t)(count + 1));
	t->mac = (struct str){}; /* mac ends here */
}

void dns_tsig_sign(
	struct dns_tsig_session *s, struct wire_out *msg, uint64_t now)
{
	unsigned char other[DNS_TSIG_OTHER_MAX];
	struct wire_out out = wire_out_of(other, sizeof(other));
	struct dns_tsig t = { .time = now, .error = (uint16_t)s->error };

	if (msg->failed)
		return;
	if (s->error == DNS_TSIG_BADTIME) {
		/* Section 5.2.3: the client's time, ours as other data. */
		t.time = s->request_time;
		put_time(&out, now);
		t.other = wire_out_str(&out);
	}
	sign(s, msg, &t);
	s->later = true;
}

void dns_tsig_sign_request(struct dns_tsig_session *s,
	const struct dns_tsig_key *key, dns_hmac_fn *hmac, struct wire_out *msg,
	uint64_t now)
{
	struct dns_tsig t = { .time = now };

	*s = (struct dns_tsig_session){ .key = key,
		.key_name = key->name,
		.algorithm = hmac_sha256,
		.hmac = hmac,
		.request_time = now };
	if (!msg->failed)
		sign(s, msg, &t);
}

enum dns_tsig_error dns_tsig_verify_answer(struct dns_tsig_session *s,
	struct str msg, const struct dns_tsig *t, uint64_t now)
{
	enum dns_tsig_error error;

	if (!dns_name_eq(&t->key, &s->key_name) ||
		!dns_name_eq(&t->algorithm, &s->algorithm))
		return DNS_TSIG_BADKEY;
	error = check(s, msg, t, now);
	if (error == DNS_TSIG_OK) {
		keep_mac(s, t->mac);
		s->later = true;
	}
	return error;
}
