/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include "io/crypto.h"
#include "proto/dns_notify.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

#define UTC ((struct unix_time){ 1000000 })

static struct dns_name zone(void)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(STR("sts.example.net"), &name), ST_OK);
	return name;
}

static bool next(struct dns_notify *d, int64_t ms, unsigned char *buf,
	size_t *n, size_t *target)
{
	return dns_notify_next(d, (struct mono){ ms }, UTC, 99, buf, n, target);
}

static void told_until_answered(void **state)
{
	struct dns_name apex = zone();
	unsigned char buf[DNS_UDP_MAX];
	struct dns_notify d;
	size_t n, target;
	unsigned rcode;

	(void)state;
	dns_notify_init(&d, &apex, NULL, NULL, 2);
	assert_false(next(&d, 0, buf, &n, &target));
	dns_notify_begin(&d, (struct mono){ 0 });
	for (size_t i = 0; i < 2; i++) {
		assert_true(next(&d, 0, buf, &n, &target));
		assert_int_equal(target, i);
	}
	/* RFC 1996 section 3.6: again, with growing pauses. */
	assert_false(next(&d, 999, buf, &n, &target));
	assert_true(next(&d, 1000, buf, &n, &target));
	assert_int_equal(buf[2] & 0xf8, 0x20);
	/* It comes back as it went, with QR set. */
	assert_false(dns_notify_take(
		&d, 0, UTC, (struct str){ (char *)buf, n }, &rcode));
	buf[2] |= 0x80;
	buf[3] = 5;
	assert_true(dns_notify_take(
		&d, 0, UTC, (struct str){ (char *)buf, n }, &rcode));
	assert_int_equal(rcode, DNS_REFUSED);
	assert_true(next(&d, 1000, buf, &n, &target));
	assert_int_equal(target, 1);
	assert_false(next(&d, 2999, buf, &n, &target));
	assert_true(next(&d, 3000, buf, &n, &target));
	assert_int_equal(target, 1);
}

/* RFC 5452 section 9.1: answers are matched before they are believed. */
static void other_packets_are_no_answer(void **state)
{
	static const size_t differs_at[] = { 0, 1, 2, 5, 12, 13, 29, 31 };
	struct dns_name apex = zone();
	unsigned char buf[DNS_UDP_MAX];
	struct dns_notify d;
	size_t n, target;
	unsigned rcode;

	(void)state;
	dns_notify_init(&d, &apex, NULL, NULL, 1);
	dns_notify_begin(&d, (struct mono){ 0 });
	assert_true(next(&d, 0, buf, &n, &target));
	buf[2] |= 0x80;
	for (size_t i = 0; i < sizeof(differs_at) / sizeof(*differs_at); i++) {
		buf[differs_at[i]] ^= 8;
		assert_false(dns_notify_take(
			&d, 0, UTC, (struct str){ (char *)buf, n }, &rcode));
		buf[differs_at[i]] ^= 8;
	}
	for (size_t cut = 0; cut < n; cut++)
		assert_false(dns_notify_take(
			&d, 0, UTC, (struct str){ (char *)buf, cut }, &rcode));
	assert_true(dns_notify_take(
		&d, 0, UTC, (struct str){ (char *)buf, n }, &rcode));
}

/* An answer without a signature, or with a wrong one, is no answer. */
static void signed_when_there_is_a_key(void **state)
{
	struct dns_name apex = zone();
	struct dns_tsig_key key = { .name = zone(), .secret = STR("secret") };
	unsigned char buf[DNS_UDP_MAX];
	struct dns_request request;
	struct dns_notify d;
	size_t n, target;
	unsigned rcode;

	(void)state;
	dns_notify_init(&d, &apex, &key, crypto_hmac_sha256_parts, 1);
	dns_notify_begin(&d, (struct mono){ 0 });
	assert_true(next(&d, 0, buf, &n, &target));
	assert_int_equal(
		dns_request_read((struct str){ (char *)buf, n }, &request),
		DNS_REQUEST_OK);
	assert_true(request.has_tsig);
	buf[2] |= 0x80;
	assert_false(dns_notify_take(
		&d, 0, UTC, (struct str){ (char *)buf, n }, &rcode));
	buf[11] = 0;
	assert_false(dns_notify_take(&d, 0, UTC,
		(struct str){ (char *)buf, request.tsig.at }, &rcode));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_until_answered),
		cmocka_unit_test(other_packets_are_no_answer),
		cmocka_unit_test(signed_when_there_is_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
