/* SPDX-License-Identifier: Apache-2.0 */
/* tlsrpt_meaning: the catalogue, and a judgement of what reports show. */
#include "proto/tlsrpt_meaning.h"

#include "base/poison.h"

static const struct tlsrpt_meaning results[TLSRPT_RESULTS] = {
	[TLSRPT_RESULT_OTHER] = { "unknown",
		"The sender used a word that RFC 8460 does not have.",
		"not to be told",
		"Read the reason beside it, and ask the sender what it means.",
		"" },
	[TLSRPT_STARTTLS_NOT_SUPPORTED] = { "starttls-not-supported",
		"The sender saw no STARTTLS when it spoke to your MX host.",
		"yours, or somebody between you and the sender",
		"Offer STARTTLS on every MX host and address, and switch off "
		"firewalls that rewrite SMTP. If a single sender meets it "
		"while others do not, look at the way between.",
		"SMTP-03 SMTP-04" },
	[TLSRPT_CERTIFICATE_HOST_MISMATCH] = { "certificate-host-mismatch",
		"The certificate of your MX host does not carry the host's "
		"name.",
		"yours",
		"Get a certificate whose subjectAltName has the name in your "
		"MX record; the name of the mail domain does not count.",
		"SMTP-08 SMTP-11 SMTP-12" },
	[TLSRPT_CERTIFICATE_EXPIRED] = { "certificate-expired",
		"The certificate of your MX host is out of date, or not valid "
		"yet.",
		"yours",
		"Renew it, let the mail server load it anew, and check the "
		"clock. Look at every address of the host.",
		"SMTP-09 SMTP-10 SMTP-12" },
	[TLSRPT_CERTIFICATE_NOT_TRUSTED] = { "certificate-not-trusted",
		"No chain led from the certificate of your MX host to an "
		"authority that the sender trusts.",
		"yours, seldom the sender's list of authorities",
		"Serve the intermediate certificates too, and use a public "
		"authority: MTA-STS takes no self-signed certificate.",
		"SMTP-06 SMTP-07" },
	[TLSRPT_VALIDATION_FAILURE] = { "validation-failure",
		"Something else was wrong with the policy or the connection; "
		"the reason beside it says what.",
		"usually yours",
		"See first whether the policy lists all of your MX hosts, "
		"then read the reason.",
		"X-01 X-02 X-03 X-04" },
	[TLSRPT_TLSA_INVALID] = { "tlsa-invalid",
		"None of the TLSA records fits the certificate that your MX "
		"host showed.",
		"yours",
		"Publish the record for the certificate in use; before the "
		"next change of key publish the coming one beside it.",
		"DANE-07 DANE-10 DANE-12" },
	[TLSRPT_DNSSEC_INVALID] = { "dnssec-invalid",
		"The sender's resolver got no answer that DNSSEC vouches for.",
		"yours: the DNS of the domain or of the MX host",
		"Repair signatures and DS records, and let the name servers "
		"answer TLSA questions with a proof, also where there is none.",
		"DANE-02 DANE-04 DANE-11" },
	[TLSRPT_DANE_REQUIRED] = { "dane-required",
		"The sender insists on DANE for you and found no TLSA record "
		"it could use.",
		"an agreement with the sender",
		"Publish signed TLSA records for every MX host, or ask the "
		"sender to drop the demand.",
		"DANE-05 DANE-06" },
	[TLSRPT_STS_POLICY_FETCH_ERROR] = { "sts-policy-fetch-error",
		"The sender saw the MTA-STS record and could not fetch the "
		"policy.",
		"the policy host; where moat serves it, ours",
		"See that the policy host has an address, that port 443 "
		"answers strangers on all of its addresses, and that the file "
		"comes with status 200 and without a redirect.",
		"POL-01 POL-03 POL-05 POL-12 POL-13 POL-15 POL-16" },
	[TLSRPT_STS_POLICY_INVALID] = { "sts-policy-invalid",
		"The sender fetched the policy and could not use it.",
		"the policy",
		"Let moat lint policy look at the file and mend what it says.",
		"FIL-01 FIL-02 FIL-04 FIL-07 FIL-08 POL-14" },
	[TLSRPT_STS_WEBPKI_INVALID] = { "sts-webpki-invalid",
		"The sender did not accept the certificate of the policy host.",
		"the policy host; where moat serves it, ours",
		"Give the policy host a certificate by a public authority for "
		"exactly mta-sts and your domain, in date and with its chain.",
		"POL-06 POL-07 POL-08" },
};

const struct tlsrpt_meaning *tlsrpt_meaning_of(enum tlsrpt_result result)
{
	return &results[result];
}

#define YOURS "yours"
#define POLICY_HOST "the policy host; where moat serves it, ours"
#define WAY "the network on the way, or a host of yours that is down"

/* Each is looked for in the text, in this order: the narrower first. */
const struct tlsrpt_meaning tlsrpt_reasons[] = {
	/* Microsoft */
	{ "MX_HOSTS_MISMATCH",
		"The MX host that the sender was to use is not in the policy "
		"it holds.",
		YOURS,
		"Add the host to the policy. If it is there by now, the "
		"sender holds an older text: see the report by policy.",
		"X-01 X-02 X-03 X-08" },
	{ "STS_POLICY_FETCH_ERROR", "The policy could not be fetched.",
		POLICY_HOST, "See sts-policy-fetch-error.",
		"POL-01 POL-03 POL-12" },
	{ "STS_POLICY_INVALID", "The policy could not be used.", "the policy",
		"Let moat lint policy look at the file.", "FIL-01 FIL-02" },
	{ "STS_WEBPKI_INVALID",
		"The certificate of the policy host was not accepted.",
		POLICY_HOST, "See sts-webpki-invalid.",
		"POL-06 POL-07 POL-08" },
	{ "STARTTLS_NOT_SUPPORTED", "The MX host offered no STARTTLS.", YOURS,
		"See starttls-not-supported.", "SMTP-03" },
	{ "CERTIFICATE_EXPIRED",
		"The certificate of the MX host is out of date.", YOURS,
		"Renew it.", "SMTP-09" },
	{ "CERTIFICATE_NOT_TRUSTED",
		"The certificate of the MX host leads to no trusted authority.",
		YOURS, "See certificate-not-trusted.", "SMTP-06 SMTP-07" },
	{ "CERTIFICATE_HOST_MISMATCH",
		"The certificate of the MX host has another name.", YOURS,
		"See certificate-host-mismatch.", "SMTP-08" },
	{ "DNSSEC_INVALID", "DNSSEC did not vouch for the answer.",
		"yours: the DNS", "See dnssec-invalid.", "DANE-02 DANE-04" },
	{ "TLSA_INVALID", "No TLSA record fits the certificate.", YOURS,
		"See tlsa-invalid.", "DANE-07" },
	{ "VALIDATION_FAILURE",
		"The sender names no cause beyond the result itself.",
		"usually yours",
		"See whether the policy lists all of your MX hosts, and check "
		"their certificates.",
		"X-01 SMTP-06 SMTP-08 SMTP-09" },
	/* OpenSSL, as Postfix, Exim and others pass it on */
	{ "unable to get local issuer certificate",
		"An intermediate certificate is missing, or the authority is "
		"not a public one.",
		YOURS, "Serve the whole chain.", "SMTP-07 SMTP-06" },
	{ "unable to verify the first certificate",
		"The intermediate certificate was not sent.", YOURS,
		"Serve the whole chain, not the certificate alone.",
		"SMTP-07" },
	{ "self-signed certificate in certificate chain",
		"The chain ends in an authority that the sender does not know.",
		YOURS, "Use a public authority.", "SMTP-06" },
	{ "self-signed certificate", "The certificate is its own authority.",
		YOURS, "Use a public authority.", "SMTP-06" },
	{ "certificate has expired", "The certificate is out of date.", YOURS,
		"Renew it, and load it anew.", "SMTP-09" },
	{ "certificate is not yet valid",
		"The certificate begins in the future, or a clock is wrong.",
		YOURS, "Check the clocks.", "SMTP-09" },
	{ "certificate revoked", "The authority has revoked the certificate.",
		YOURS, "Get a new one.", "SMTP-14" },
	{ "hostname mismatch", "The certificate has another name.", YOURS,
		"Get one for the name in the MX record.", "SMTP-08" },
	{ "unsuitable certificate purpose",
		"The certificate is not meant for servers.", YOURS,
		"Get one with serverAuth.", "SMTP-11" },
	{ "ee certificate key too weak", "The key is too short for the sender.",
		YOURS, "Get a certificate with a longer key.", "SMTP-15" },
	{ "ca md too weak", "A signature in the chain is by a weak digest.",
		YOURS, "Get a certificate from today's chain.", "SMTP-15" },
	{ "dh key too small", "The Diffie-Hellman group is too small.", YOURS,
		"Use 2048 bits or more, or elliptic curves only.", "TLS-05" },
	{ "no shared cipher", "Both sides have no cipher in common.", YOURS,
		"Allow today's ciphers.", "TLS-03 TLS-04" },
	{ "handshake failure", "The TLS handshake found no common ground.",
		YOURS, "Check versions, ciphers, and the kind of key.",
		"SMTP-04 SMTP-05" },
	{ "wrong version number",
		"What came back was not TLS: a banner, or another service.",
		YOURS, "Look at what answers after STARTTLS.", "SMTP-04" },
	{ "unsupported protocol", "The MX host speaks only old TLS versions.",
		YOURS, "Allow TLS 1.2 and 1.3.", "SMTP-05" },
	{ "protocol version", "The MX host speaks only old TLS versions.",
		YOURS, "Allow TLS 1.2 and 1.3.", "SMTP-05" },
	{ "unrecognized name", "The MX host knows nothing by the name asked.",
		YOURS, "Let it answer with a default certificate.", "SMTP-13" },
	{ "unexpected eof", "The MX host hung up within the handshake.", YOURS,
		"Look in its log; a load balancer may do it.", "SMTP-04" },
	/* Postfix */
	{ "certificate name mismatch", "The certificate has another name.",
		YOURS, "Get one for the name in the MX record.", "SMTP-08" },
	{ "server certificate not verified",
		"The certificate was good for nothing that Postfix asked.",
		YOURS, "Check name, dates and chain.",
		"SMTP-06 SMTP-07 SMTP-08" },
	{ "TLS is required, but was not offered",
		"The MX host offered no STARTTLS.", YOURS,
		"See starttls-not-supported.", "SMTP-03" },
	{ "Cannot start TLS", "STARTTLS was offered and did not work.", YOURS,
		"Look at the key and certificate the server loads.",
		"SMTP-04" },
	{ "no usable TLSA", "There are TLSA records, none of a usable kind.",
		YOURS, "Publish 3 1 1 or 2 1 1.", "DANE-08" },
	{ "TLSA lookup", "The look-up of the TLSA records failed.",
		"yours: the DNS", "Let the name servers answer TLSA.",
		"DANE-11" },
	/* Google, and what fetches of policies run into */
	{ "http-status", "The policy host answered with another status.",
		POLICY_HOST, "Answer with 200.", "POL-12" },
	{ "redirect", "The policy host leads elsewhere.", POLICY_HOST,
		"Answer on that host: senders follow no redirect.", "POL-13" },
	{ "NXDOMAIN", "The name does not exist.", "yours: the DNS",
		"Publish it.", "POL-01 MX-07" },
	{ "SERVFAIL", "Name servers failed to answer.", "yours: the DNS",
		"Check DNSSEC and the name servers.", "MX-01 DANE-02" },
	{ "connection refused", "Nothing listened at the address.", WAY,
		"Open the port on every address.", "SMTP-01 POL-03" },
	{ "connection reset", "The connection was cut.", WAY,
		"Look for firewalls that end TLS.", "SMTP-04 POL-03" },
	{ "network is unreachable", "There was no way to the address.", WAY,
		"Check routes, IPv6 above all.", "MX-10 POL-03" },
	{ "timed out", "No answer came in time.", WAY,
		"Let the port answer strangers everywhere.",
		"SMTP-01 POL-03 POL-16" },
	{ "timeout", "No answer came in time.", WAY,
		"Let the port answer strangers everywhere.",
		"SMTP-01 POL-03 POL-16" },
	{},
};

/* Letters without case; "-", "_" and " " are the same. */
static char folded(char c)
{
	return c == '_' || c == '-' ? ' ' : chr_lower(c);
}

static bool contains(struct str s, struct str part)
{
	for (size_t i = 0; i + part.n <= s.n; i++) {
		size_t k = 0;

		while (k < part.n && folded(s.p[i + k]) == folded(part.p[k]))
			k++;
		if (k == part.n)
			return true;
	}
	return false;
}

const struct tlsrpt_meaning *tlsrpt_reason_of(struct str reason_code)
{
	for (const struct tlsrpt_meaning *m = tlsrpt_reasons; m->name != NULL;
		m++)
		if (contains(reason_code, str_of(m->name)))
			return m;
	return NULL;
}

static const char *const families[TLSRPT_FAMILIES] = {
	[TLSRPT_FAMILY_OTHER] = "other",
	[TLSRPT_FAMILY_STS] = "sts",
	[TLSRPT_FAMILY_DANE] = "dane",
	[TLSRPT_FAMILY_TRANSPORT] = "transport",
};

enum status tlsrpt_family_parse(struct str s, enum tlsrpt_family *out)
{
	for (int i = 0; i < TLSRPT_FAMILIES; i++)
		if (str_eq(s, str_of(families[i]))) {
			*out = (enum tlsrpt_family)i;
			return ST_OK;
		}
	return ST_INVALID;
}

enum tlsrpt_family tlsrpt_family_of(struct str result_type)
{
	switch (tlsrpt_result_of(result_type)) {
	case TLSRPT_STARTTLS_NOT_SUPPORTED:
	case TLSRPT_CERTIFICATE_HOST_MISMATCH:
	case TLSRPT_CERTIFICATE_EXPIRED:
	case TLSRPT_CERTIFICATE_NOT_TRUSTED:
		return TLSRPT_FAMILY_TRANSPORT;
	case TLSRPT_TLSA_INVALID:
	case TLSRPT_DNSSEC_INVALID:
	case TLSRPT_DANE_REQUIRED:
		return TLSRPT_FAMILY_DANE;
	case TLSRPT_STS_POLICY_FETCH_ERROR:
	case TLSRPT_STS_POLICY_INVALID:
	case TLSRPT_STS_WEBPKI_INVALID:
		return TLSRPT_FAMILY_STS;
	case TLSRPT_RESULT_OTHER:
	case TLSRPT_VALIDATION_FAILURE:
	case TLSRPT_RESULTS:
		break;
	}
	return TLSRPT_FAMILY_OTHER;
}

/* Could somebody on the way make a sender see this? */
static bool can_be_forced(enum tlsrpt_result result)
{
	return result == TLSRPT_STARTTLS_NOT_SUPPORTED ||
	       result == TLSRPT_CERTIFICATE_HOST_MISMATCH ||
	       result == TLSRPT_CERTIFICATE_NOT_TRUSTED ||
	       result == TLSRPT_TLSA_INVALID ||
	       result == TLSRPT_DNSSEC_INVALID ||
	       result == TLSRPT_STS_POLICY_FETCH_ERROR ||
	       result == TLSRPT_STS_WEBPKI_INVALID;
}

static struct tlsrpt_judgement judge_one(const struct tlsrpt_evidence *v)
{
	if (!can_be_forced(v->result))
		return (struct tlsrpt_judgement){ TLSRPT_VERDICT_SENDER,
			TLSRPT_CERTAINTY_POSSIBLE,
			"One organisation alone meets this: its own view of "
			"you, such as an old policy it holds, is a possible "
			"cause." };
	if (v->sources == 1)
		return (struct tlsrpt_judgement){ TLSRPT_VERDICT_TAMPERING,
			TLSRPT_CERTAINTY_POSSIBLE,
			"One sending server alone meets this while other "
			"organisations get through: an attack on the way from "
			"it is possible; a device that meddles with SMTP is "
			"the more usual cause." };
	return (struct tlsrpt_judgement){ TLSRPT_VERDICT_SENDER,
		TLSRPT_CERTAINTY_POSSIBLE,
		"One organisation alone meets this while others get through: "
		"its network or its settings are a possible cause, an attack "
		"on the way from it is not ruled out." };
}

struct tlsrpt_judgement tlsrpt_judge(const struct tlsrpt_evidence *v)
{
	if (v->reporters == 0)
		return (struct tlsrpt_judgement){ TLSRPT_VERDICT_UNCLEAR,
			TLSRPT_CERTAINTY_NONE, "Nobody reports this." };
	if (v->all_reporters < 2)
		return (struct tlsrpt_judgement){ TLSRPT_VERDICT_UNCLEAR,
			TLSRPT_CERTAINTY_NONE,
			"One organisation alone reports about you, so that "
			"its side and yours cannot be told apart: check "
			"yours." };
	if (v->reporters == v->all_reporters && v->successful == 0)
		return (struct tlsrpt_judgement){ TLSRPT_VERDICT_OURS,
			TLSRPT_CERTAINTY_HIGH,
			v->result == TLSRPT_STARTTLS_NOT_SUPPORTED
				? "STARTTLS is gone for everybody: almost "
				  "certainly a fault on your side, or a device "
				  "right before your servers. An attack on all "
				  "senders at once would have to sit there "
				  "too."
				: "Everybody meets this and nothing gets "
				  "through: almost certainly a fault on your "
				  "side." };
	if (v->reporters == v->all_reporters)
		return (struct tlsrpt_judgement){ TLSRPT_VERDICT_PARTLY,
			TLSRPT_CERTAINTY_LIKELY,
			"Everybody meets this now and then: likely one of "
			"your hosts or addresses, or a stretch of time." };
	if (v->reporters > 1)
		return (struct tlsrpt_judgement){ TLSRPT_VERDICT_PARTLY,
			TLSRPT_CERTAINTY_LIKELY,
			"Several organisations meet this, others do not: "
			"likely one of your hosts or addresses, or something "
			"that only strict senders mind." };
	return judge_one(v);
}

const char *tlsrpt_verdict_name(enum tlsrpt_verdict verdict)
{
	static const char *const names[TLSRPT_VERDICTS] = { "unclear", "ours",
		"partly-ours", "sender", "tampering" };

	return names[verdict];
}

const char *tlsrpt_certainty_name(enum tlsrpt_certainty certainty)
{
	static const char *const names[TLSRPT_CERTAINTIES] = { "none",
		"possible", "likely", "high" };

	return names[certainty];
}
