/* SPDX-License-Identifier: Apache-2.0 */
/* tlsrpt_report: the words of RFC 8460 and the names of the quirks. */
#include "base/bug.h"
#include "proto/tlsrpt_report.h"

#include "base/poison.h"

static const char *const policy_types[] = {
	[TLSRPT_POLICY_OTHER] = "",
	[TLSRPT_POLICY_STS] = "sts",
	[TLSRPT_POLICY_TLSA] = "tlsa",
	[TLSRPT_POLICY_NONE] = "no-policy-found",
};

static const char *const results[TLSRPT_RESULTS] = {
	[TLSRPT_RESULT_OTHER] = "",
	[TLSRPT_STARTTLS_NOT_SUPPORTED] = "starttls-not-supported",
	[TLSRPT_CERTIFICATE_HOST_MISMATCH] = "certificate-host-mismatch",
	[TLSRPT_CERTIFICATE_EXPIRED] = "certificate-expired",
	[TLSRPT_CERTIFICATE_NOT_TRUSTED] = "certificate-not-trusted",
	[TLSRPT_VALIDATION_FAILURE] = "validation-failure",
	[TLSRPT_TLSA_INVALID] = "tlsa-invalid",
	[TLSRPT_DNSSEC_INVALID] = "dnssec-invalid",
	[TLSRPT_DANE_REQUIRED] = "dane-required",
	[TLSRPT_STS_POLICY_FETCH_ERROR] = "sts-policy-fetch-error",
	[TLSRPT_STS_POLICY_INVALID] = "sts-policy-invalid",
	[TLSRPT_STS_WEBPKI_INVALID] = "sts-webpki-invalid",
};

/* Senders in which a quirk was seen stand where the source is known. */
static const struct {
	const char *name, *text;
} quirks[TLSRPT_QUIRKS] = {
	[TLSRPT_QUIRK_BOM] = { "bom", "the text begins with a byte order mark "
				      "(RFC 8259 section 8.1)" },
	[TLSRPT_QUIRK_BAD_UTF8] = { "bad-utf8",
		"bytes that are not UTF-8 were replaced (RFC 7493)" },
	[TLSRPT_QUIRK_DUPLICATE_NAME] = { "duplicate-name",
		"a member stands twice; the first counts (RFC 7493)" },
	[TLSRPT_QUIRK_WRONG_TYPE] = { "wrong-type",
		"a value of an unexpected JSON type was passed over" },
	[TLSRPT_QUIRK_EMPTY_MEMBER] = { "empty-member",
		"null or an empty text stands for an absent member" },
	[TLSRPT_QUIRK_TEXT_CUT] = { "text-cut",
		"a text was longer than moat keeps and was cut" },
	[TLSRPT_QUIRK_ORGANIZATION_MISSING] = { "organization-missing",
		"organization-name is missing" },
	/* Stalwart writes null. */
	[TLSRPT_QUIRK_CONTACT_MISSING] = { "contact-missing",
		"contact-info is missing or null" },
	[TLSRPT_QUIRK_CONTACT_MAILTO] = { "contact-mailto",
		"contact-info begins with mailto:" },
	[TLSRPT_QUIRK_CONTACT_NO_ADDRESS] = { "contact-no-address",
		"contact-info is no mail address" },
	[TLSRPT_QUIRK_REPORT_ID_MISSING] = { "report-id-missing",
		"report-id is missing" },
	/* Microsoft ends it in "+" for fetch errors. */
	[TLSRPT_QUIRK_REPORT_ID_ODD] = { "report-id-odd",
		"report-id has characters no message id could carry" },
	[TLSRPT_QUIRK_DATE_MISSING] = { "date-missing",
		"a date of date-range is missing" },
	[TLSRPT_QUIRK_DATE_INVALID] = { "date-invalid",
		"a date of date-range is not of RFC 3339" },
	/* Microsoft, 2023 and 2024. */
	[TLSRPT_QUIRK_DATE_NO_ZONE] = { "date-no-zone",
		"a date has no time zone; read as UTC" },
	/* Mail.ru. */
	[TLSRPT_QUIRK_END_MIDNIGHT] = { "end-midnight",
		"the range ends at the next midnight, not at 23:59:59" },
	/* SocketLabs, 2020. */
	[TLSRPT_QUIRK_END_BEFORE_START] = { "end-before-start",
		"the range ends before it starts" },
	/* Stalwart. */
	[TLSRPT_QUIRK_NOT_ONE_DAY] = { "not-one-day",
		"the range is not one UTC day" },
	[TLSRPT_QUIRK_POLICIES_EMPTY] = { "policies-empty",
		"policies is empty" },
	[TLSRPT_QUIRK_POLICIES_OBJECT] = { "policies-object",
		"policies is a single object, not an array" },
	[TLSRPT_QUIRK_POLICY_UNWRAPPED] = { "policy-unwrapped",
		"an element of policies lacks the policy member around its "
		"own members" },
	[TLSRPT_QUIRK_POLICY_TYPE_MISSING] = { "policy-type-missing",
		"policy-type is missing" },
	[TLSRPT_QUIRK_POLICY_TYPE_CASE] = { "policy-type-case",
		"policy-type is not in lower case" },
	[TLSRPT_QUIRK_POLICY_TYPE_UNKNOWN] = { "policy-type-unknown",
		"policy-type is none of tlsa, sts, no-policy-found" },
	[TLSRPT_QUIRK_POLICY_STRING_STRING] = { "policy-string-string",
		"policy-string is a text, not an array of texts" },
	/* Microsoft, for TLSA, 2025 and 2026. */
	[TLSRPT_QUIRK_POLICY_STRING_JSON] = { "policy-string-json",
		"policy-string holds a JSON array inside a text" },
	/* Google, 2022, for policies with CRLF line ends. */
	[TLSRPT_QUIRK_POLICY_STRING_CR] = { "policy-string-cr",
		"a line of policy-string carries its line end" },
	/* SocketLabs. */
	[TLSRPT_QUIRK_POLICY_STRING_NO_SPACE] = { "policy-string-no-space",
		"a line of policy-string has no space after the colon" },
	/* Google 2019; tlsrpt-reporter for no-policy-found. */
	[TLSRPT_QUIRK_DOMAIN_MISSING] = { "domain-missing",
		"policy-domain is missing" },
	[TLSRPT_QUIRK_DOMAIN_SPELLING] = { "domain-spelling",
		"policy-domain has upper case or a dot at the end" },
	[TLSRPT_QUIRK_DOMAIN_INVALID] = { "domain-invalid",
		"policy-domain is no host name in A-label form" },
	/* Appendix B of the RFC itself: erratum 6241. */
	[TLSRPT_QUIRK_MX_HOST_STRING] = { "mx-host-string",
		"mx-host is a text, not an array (RFC 8460 erratum 6241)" },
	/* Stalwart. */
	[TLSRPT_QUIRK_MX_HOST_PREFIX] = { "mx-host-prefix",
		"an entry of mx-host begins with mx:" },
	[TLSRPT_QUIRK_MX_HOST_KEY] = { "mx-host-key",
		"mx-host is called mx-host-pattern" },
	/* Google 2019 left out zeros. */
	[TLSRPT_QUIRK_COUNT_MISSING] = { "count-missing",
		"a session count is missing" },
	[TLSRPT_QUIRK_COUNT_STRING] = { "count-string",
		"a session count is a text" },
	[TLSRPT_QUIRK_COUNT_FLOAT] = { "count-float",
		"a session count has a fraction" },
	[TLSRPT_QUIRK_COUNT_INVALID] = { "count-invalid",
		"a session count is no number from 0 to 2^53 - 1; read as "
		"missing" },
	[TLSRPT_QUIRK_FAILURES_OBJECT] = { "failures-object",
		"failure-details is a single object, not an array" },
	/* Mail.ru; the RFC lets one session fail in several ways. */
	[TLSRPT_QUIRK_FAILURES_SUM] = { "failures-sum",
		"failure-details add up to more than "
		"total-failure-session-count" },
	[TLSRPT_QUIRK_RESULT_MISSING] = { "result-missing",
		"result-type is missing; read as validation-failure" },
	[TLSRPT_QUIRK_RESULT_CASE] = { "result-case",
		"result-type is not in lower case" },
	[TLSRPT_QUIRK_RESULT_UNKNOWN] = { "result-unknown",
		"result-type is not in the IANA registry" },
	[TLSRPT_QUIRK_IP_DECORATED] = { "ip-decorated",
		"an IP address has brackets or a zone" },
	[TLSRPT_QUIRK_IP_INVALID] = { "ip-invalid", "an IP address is none" },
	/* SocketLabs. */
	[TLSRPT_QUIRK_RECEIVING_MX_KEY] = { "receiving-mx-key",
		"receiving-mx-hostname is called receiving-mx-host-name" },
	/* Postfix. */
	[TLSRPT_QUIRK_HELO_LINES] = { "helo-lines",
		"receiving-mx-helo has several lines; the first is kept" },
	[TLSRPT_QUIRK_INFO_KEY] = { "info-key",
		"additional-information is called additional-info-uri" },
	[TLSRPT_QUIRK_INFO_OBJECT] = { "info-object",
		"additional-information is no text; kept as JSON" },
	[TLSRPT_QUIRK_INFO_NO_URI] = { "info-no-uri",
		"additional-information is no URI" },
	/* Drafts of the RFC. */
	[TLSRPT_QUIRK_REASON_KEY] = { "reason-key",
		"failure-reason-code is called failure-error-code" },
};

const char *tlsrpt_policy_type_name(enum tlsrpt_policy_type type)
{
	return policy_types[type];
}

enum tlsrpt_policy_type tlsrpt_policy_type_of(struct str name)
{
	for (int i = 1; i <= TLSRPT_POLICY_NONE; i++)
		if (str_eq_nocase(name, str_of(policy_types[i])))
			return (enum tlsrpt_policy_type)i;
	return TLSRPT_POLICY_OTHER;
}

const char *tlsrpt_result_name(enum tlsrpt_result result)
{
	BUG(result >= TLSRPT_RESULTS);
	return results[result];
}

enum tlsrpt_result tlsrpt_result_of(struct str name)
{
	for (int i = 1; i < TLSRPT_RESULTS; i++)
		if (str_eq_nocase(name, str_of(results[i])))
			return (enum tlsrpt_result)i;
	return TLSRPT_RESULT_OTHER;
}

const char *tlsrpt_quirk_name(enum tlsrpt_quirk quirk)
{
	BUG(quirk >= TLSRPT_QUIRKS);
	return quirks[quirk].name;
}

const char *tlsrpt_quirk_text(enum tlsrpt_quirk quirk)
{
	BUG(quirk >= TLSRPT_QUIRKS);
	return quirks[quirk].text;
}

int64_t tlsrpt_count_add(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}
