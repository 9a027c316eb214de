/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings, section by section. man/moat.conf.5 describes the same rows in
 * the same words; a test compares them.
 */
#include "api/settings.h"

#include "base/poison.h"

const struct setting_row setting_rows[] = {
	/* ---- server: what all roles share */
	{ "server", "state_dir", SETTING_PATH, "/var/lib/moat", NULL,
		"Where the database, the view, the spool and the sealing key "
		"lie." },
	{ "server", "run_dir", SETTING_PATH, "/run/moat", NULL,
		"Where the sockets between the roles and the admin socket "
		"lie." },
	{ "server", "user", SETTING_STR, "moat", NULL,
		"The user that every role becomes when moatd is started as "
		"root." },
	{ "server", "roles", SETTING_LIST,
		"edge dns lmtp keeper acme probe digest notify console", NULL,
		"The roles that run on this machine. A machine that only "
		"sends has policy alone." },
	{ "server", "seal_key", SETTING_STR, "", NULL,
		"The file with the key that seals secrets in the database, or "
		"credential:NAME for a systemd credential. Empty: "
		"keys/seal.key in the state directory, made at the first "
		"start." },
	{ "server", "view_max_size", SETTING_SIZE, "16g",
		"1048576..17592186044416",
		"How large the view may grow. It takes address space at once "
		"and disk as it fills; 16 gigabytes hold three million "
		"domains." },
	{ "server", "log_level", SETTING_CHOICE, "info",
		"debug|info|warn|error", "Events below it are not logged." },
	{ "server", "stop_time", SETTING_TIME, "10s", "1..300",
		"How long a role may take to stop before it is killed." },

	/* ---- dns: the hosted zone and its name server */
	{ "dns", "zone", SETTING_NAME, "", NULL,
		"The zone that the CNAMEs of customers lead into. Its names "
		"are answered by the dns role." },
	{ "dns", "listen", SETTING_ADDRS, "0.0.0.0:53 [::]:53", NULL,
		"Where the name server listens, over UDP and TCP." },
	{ "dns", "workers", SETTING_INT, "0", "0..64",
		"Processes that share the port; 0 is one per core." },
	{ "dns", "name_servers", SETTING_NAMES, "", NULL,
		"The public name servers of the zone, as its NS records name "
		"them." },
	{ "dns", "name_server_addresses", SETTING_LIST, "", NULL,
		"Addresses of name servers whose names lie in the zone, as "
		"NAME=ADDRESS; they become A and AAAA records and the glue." },
	{ "dns", "hostmaster", SETTING_NAME, "", NULL,
		"The mailbox in the SOA record, written as a domain name. "
		"Empty is hostmaster in the zone." },
	{ "dns", "transfer_keys", SETTING_LIST, "", NULL,
		"TSIG keys (hmac-sha256) of the secondaries, as NAME:BASE64. "
		"Where there are any, a zone transfer must be signed with one "
		"of them, and NOTIFY is signed with the first." },
	{ "dns", "transfer_allow", SETTING_NETS, "", NULL,
		"Networks that zone transfers may come from, as 192.0.2.0/24. "
		"With keys as well, both must hold; with neither, nobody gets "
		"the zone." },
	{ "dns", "notify", SETTING_ADDRS, "", NULL,
		"Secondaries that are told of every change of the zone. A "
		"dns-01 challenge waits until all of them show it." },
	{ "dns", "rate_limit", SETTING_INT, "500", "0..1000000",
		"Answers over UDP that one worker gives per second to one "
		"network (IPv4 /24, IPv6 /56), counted apart for data, "
		"negative answers and errors. Half of what is beyond is "
		"answered with an invitation to TCP. 0 is no limit." },
	{ "dns", "rate_limit_exempt", SETTING_NETS, "127.0.0.0/8 ::1", NULL,
		"Networks without that limit." },
	{ "dns", "connections", SETTING_INT, "512", "16..100000",
		"TCP connections that one worker holds at a time." },
	{ "dns", "connections_per_address", SETTING_INT, "16", "1..100000",
		"Of these, from one IPv4 address or IPv6 /64 network." },
	{ "dns", "idle_time", SETTING_TIME, "10s", "1..300",
		"How long a TCP client may take for a whole request, and to "
		"take an answer." },

	/* ---- edge: HTTPS and HTTP towards strangers */
	{ "edge", "https", SETTING_ADDRS, "0.0.0.0:443 [::]:443", NULL,
		"Where policies and report intake are served over TLS." },
	{ "edge", "http", SETTING_ADDRS, "0.0.0.0:80 [::]:80", NULL,
		"Where challenges of the certificate authority are "
		"answered." },
	{ "edge", "workers", SETTING_INT, "0", "0..64",
		"Processes that share the port; 0 is one per core." },
	{ "edge", "addresses", SETTING_IPS, "", NULL,
		"The public addresses of the edge. They become the A and AAAA "
		"records behind the CNAMEs." },

	{ "edge", "connections", SETTING_INT, "8192", "16..1000000",
		"Connections that one worker holds at a time." },
	{ "edge", "connections_per_address", SETTING_INT, "256", "1..1000000",
		"Of these, from one IPv4 address or IPv6 /64 network." },
	{ "edge", "certificate_cache", SETTING_INT, "10000", "1..10000000",
		"Parsed certificates that one worker keeps, 6 to 8 KB each. "
		"Others are read from the view when they are asked for." },
	{ "edge", "head_time", SETTING_TIME, "10s", "1..300",
		"How long a handshake, and a request's head, may take." },
	{ "edge", "idle_time", SETTING_TIME, "15s", "1..3600",
		"How long a connection may wait between requests." },
	{ "edge", "body_time", SETTING_TIME, "60s", "1..3600",
		"How long a request's body, or reading an answer, may take." },

	/* ---- report: intake of TLS reports */
	{ "report", "host", SETTING_NAME, "", NULL,
		"The domain that takes reports by mail, and the host that "
		"takes them over HTTPS." },

	{ "report", "keep", SETTING_TIME, "800d", "86400..3153600000",
		"How long reports are kept, raw and in the database. A raw "
		"report that came twice goes after a month. A tenant may have "
		"times of its own, see moat report keep." },
	{ "report", "keep_totals", SETTING_TIME, "3650d", "86400..3153600000",
		"How long the sums by day are kept that reports add up to." },
	{ "report", "dkim_keys", SETTING_PATH, "", NULL,
		"A file with DKIM keys that the DNS may no longer have, for "
		"reports that are read again: in each line the name, as "
		"sel._domainkey.x.example, and the text of the record." },
	{ "report", "reverse_names", SETTING_BOOL, "no", NULL,
		"Look the names of sending servers up that reports tell of, "
		"for moat report by source. The role notify asks the role "
		"probe, at most 300 times an hour." },
	{ "report", "max_size", SETTING_SIZE, "4m", "1024..1073741824",
		"The largest report taken, as it is sent." },
	{ "report", "memory", SETTING_SIZE, "64m", "1024..17179869184",
		"What one worker holds of reports that are being received." },
	{ "report", "per_id", SETTING_INT, "1000", "1..1000000000",
		"Reports per hour that one worker takes for one recipient. One "
		"address of senders gets a quarter of that at most, so that a "
		"stranger cannot keep others' reports away." },
	{ "report", "per_id_size", SETTING_SIZE, "256m", "1024..1099511627776",
		"Their bytes." },
	{ "report", "per_address", SETTING_INT, "1000", "1..1000000000",
		"Reports per hour that one worker takes from one IPv4 address "
		"or IPv6 /64 network." },
	{ "report", "per_address_size", SETTING_SIZE, "256m",
		"1024..1099511627776", "Their bytes." },
	{ "report", "backlog", SETTING_INT, "100000", "1..1000000000",
		"Reports that may wait to be read. Then senders are told to "
		"come back later." },
	{ "report", "backlog_size", SETTING_SIZE, "1g", "1024..1099511627776",
		"Their bytes." },

	/* ---- lmtp: report mail from your mail server */
	{ "lmtp", "listen", SETTING_ADDRS, "", NULL,
		"Where report mail is taken over TCP, besides the socket "
		"lmtp.sock in the run directory. Whoever can connect can hand "
		"in mail: loopback or a network of your own." },
	{ "lmtp", "mailboxes", SETTING_LIST, "", NULL,
		"Plain mailboxes that take reports too, as ADDRESS or "
		"ADDRESS=TENANT. Such a report counts for the domain it is "
		"about, if it is one of that tenant (otherwise the tenant "
		"default)." },
	{ "lmtp", "connections", SETTING_INT, "256", "1..100000",
		"Connections held at a time." },
	{ "lmtp", "command_time", SETTING_TIME, "300s", "1..3600",
		"How long the mail server may take for its next command." },
	{ "lmtp", "message_time", SETTING_TIME, "600s", "1..3600",
		"How long a whole message may take." },
	{ "lmtp", "session_time", SETTING_TIME, "3600s", "1..86400",
		"How long a connection may last." },
	{ "lmtp", "per_client", SETTING_INT, "100000", "1..1000000000",
		"Reports per hour that are taken from one client of the mail "
		"server (an IPv4 address or IPv6 /64 network), where it tells "
		"by XFORWARD who that is." },
	{ "lmtp", "per_client_size", SETTING_SIZE, "16g", "1024..1099511627776",
		"Their bytes." },

	/* ---- mailbox NAME: report mail that lies with somebody else */
	{ "mailbox NAME", "url", SETTING_STR, "", NULL,
		"The IMAP server: imaps://HOST, or imap://HOST with STARTTLS, "
		"and a port if it is not the usual one. Without TLS and a good "
		"certificate nothing is asked." },
	{ "mailbox NAME", "user", SETTING_STR, "", NULL, "Whom to log in as." },
	{ "mailbox NAME", "password_file", SETTING_STR, "", NULL,
		"The file with the password, which its owner alone may read, "
		"or credential:NAME for a systemd credential." },
	{ "mailbox NAME", "folder", SETTING_STR, "INBOX", NULL,
		"The folder all of whose mails are taken." },
	{ "mailbox NAME", "processed", SETTING_STR, "moat-read", NULL,
		"The folder they are moved to then. It is made if it is "
		"missing." },
	{ "mailbox NAME", "delete", SETTING_BOOL, "no", NULL,
		"Delete them instead." },
	{ "mailbox NAME", "tenant", SETTING_STR, "", NULL,
		"Reports in it count for the domains of this tenant alone. "
		"Empty: a mail to ID@HOST with report.host counts for whoever "
		"has that ID, others for the tenant default." },
	{ "mailbox NAME", "every", SETTING_TIME, "15m", "10..86400",
		"How often to look." },
	{ "mailbox NAME", "timeout", SETTING_TIME, "5m", "1..3600",
		"How long one visit may take; other mailboxes wait for its "
		"end. What was not taken by then is taken by the next." },
	{ "mailbox NAME", "ca_file", SETTING_PATH, "", NULL,
		"Trust only these certificates (PEM). Empty: those of the "
		"system." },
	{ "mailbox NAME", "allow_private", SETTING_BOOL, "no", NULL,
		"The server may lie in a private network or on this "
		"machine." },

	/* ---- alert: what a person hears of by itself */
	{ "alert", "mail_to", SETTING_LIST, "", NULL,
		"The mail addresses that alerts are sent to. Empty: no "
		"mail." },
	{ "alert", "mail_from", SETTING_STR, "", NULL,
		"The mail address that alerts come from." },
	{ "alert", "smtp", SETTING_STR, "", NULL,
		"The server that takes the mail: smtp://HOST:PORT with "
		"STARTTLS, or smtps://HOST:PORT. Without TLS and a good "
		"certificate nothing is sent." },
	{ "alert", "smtp_user", SETTING_STR, "", NULL,
		"Whom to log in as there. Empty: nobody." },
	{ "alert", "smtp_password_file", SETTING_STR, "", NULL,
		"The file with the password, which its owner alone may read, "
		"or credential:NAME for a systemd credential." },
	{ "alert", "webhook", SETTING_STR, "", NULL,
		"An https URL that each alert is posted to as JSON. Empty: "
		"none." },
	{ "alert", "webhook_key_file", SETTING_STR, "", NULL,
		"The file with the key that signs what is posted, or "
		"credential:NAME." },
	{ "alert", "allow_private", SETTING_BOOL, "no", NULL,
		"The webhook may lie in a private network or on this "
		"machine. Those that tenants have added may not." },
	{ "alert", "tenant_allow_private", SETTING_BOOL, "no", NULL,
		"The webhooks that tenants have added (moat alert recipient) "
		"may lie there, too: whoever adds one can reach what this "
		"machine can." },
	{ "alert", "ca_file", SETTING_PATH, "", NULL,
		"Trust only these certificates (PEM) for mail and webhook. "
		"Empty: those of the system." },
	{ "alert", "share", SETTING_INT, "10", "0..100",
		"The share of failed sessions of one reporter, in percent, "
		"from which on there is an alert; 0 is none." },
	{ "alert", "share_sessions", SETTING_INT, "20", "1..1000000000",
		"Reporters with fewer sessions than this are judged together, "
		"when together they have so many." },
	{ "alert", "silent", SETTING_TIME, "3d", "0..31536000",
		"A reporter with reports on three days that sends none for so "
		"long is an alert; 0 is none." },
	{ "alert", "window", SETTING_TIME, "14d", "86400..31536000",
		"Reports that came longer ago, or tell of days longer ago, "
		"open no alert and keep none open." },
	{ "alert", "cooldown", SETTING_TIME, "1d", "0..31536000",
		"What was closed is not told anew sooner than this." },
	{ "alert", "quiet", SETTING_STR, "", NULL,
		"The hours of the day, in UTC, in which no mail is sent, as "
		"22:00-06:00. A webhook is called all the same." },
	{ "alert", "per_hour", SETTING_INT, "20", "1..100000",
		"So many mails, and so many calls of the webhook, go out in "
		"one hour at most; what is more waits." },
	{ "alert", "digest", SETTING_CHOICE, "weekly",
		"never|daily|weekly|both",
		"How often a mail sums up what reports said, in the night "
		"after a day or after a week's Sunday, by UTC. A tenant may "
		"have it otherwise, see moat alert options." },
	{ "alert", "digest_empty", SETTING_BOOL, "no", NULL,
		"Send a digest although there is nothing to tell, so that its "
		"absence says something." },
	{ "alert", "unproven", SETTING_BOOL, "no", NULL,
		"Tell of reports that nothing proves, too. Their alerts are "
		"listed in any case." },

	/* ---- probe: looking at the world */
	{ "probe", "resolver", SETTING_ADDRS, "", NULL,
		"Resolvers to ask, also for keys of signed reports. Empty: "
		"those of /etc/resolv.conf." },
	{ "probe", "dnssec", SETTING_CHOICE, "validate", "validate|off",
		"Whether answers are validated with DNSSEC, from the keys of "
		"the root down." },
	{ "probe", "root_anchor", SETTING_PATH, "/usr/share/dns/root.key", NULL,
		"The DNSSEC keys of the root, for own validation." },
	{ "probe", "allow_private", SETTING_BOOL, "no", NULL,
		"Lets probes connect to private and loopback addresses. Only "
		"for laboratories." },
	{ "probe", "stubs", SETTING_STUBS, "", NULL,
		"Name servers of zones that the public DNS does not know, as "
		"ZONE=ADDRESS:PORT. For laboratories and trials." },
	{ "probe", "dns_port", SETTING_INT, "53", "1..65535",
		"The port of authoritative name servers." },
	{ "probe", "http_port", SETTING_INT, "80", "1..65535",
		"The port for probing challenges." },
	{ "probe", "https_port", SETTING_INT, "443", "1..65535",
		"The port for fetching policies." },
	{ "probe", "ca_file", SETTING_PATH, "", NULL,
		"Certificates to trust instead of those of the system." },
	{ "probe", "timeout", SETTING_TIME, "10s", "1..120",
		"How long one probe may take." },

	/* ---- policy: what Postfix and Sendmail ask */
	{ "policy", "listen", SETTING_ADDRS, "127.0.0.1:8461", NULL,
		"Where mail servers ask over TCP (a socketmap). There is no "
		"authentication: loopback addresses only." },
	{ "policy", "socket", SETTING_PATH, "", NULL,
		"A unix socket for the same, as "
		"/var/spool/postfix/moat/policy.sock, which Postfix reaches "
		"from its chroot as unix:moat/policy.sock. Its folder is made "
		"if it is missing. Empty: none." },
	{ "policy", "socket_owner", SETTING_STR, "", NULL,
		"The user who owns that socket. Empty: server.user." },
	{ "policy", "socket_group", SETTING_STR, "", NULL,
		"The group of that socket, usually postfix. Empty: the group "
		"of server.user." },
	{ "policy", "socket_mode", SETTING_CHOICE, "0660", "0600|0660|0666",
		"The permissions of that socket." },
	{ "policy", "connections", SETTING_INT, "4096", "16..100000",
		"Connections of mail servers held at a time." },
	{ "policy", "resolver", SETTING_ADDRS, "", NULL,
		"Resolvers to ask. Empty: those of /etc/resolv.conf." },
	{ "policy", "dnssec", SETTING_CHOICE, "validate", "validate|trust|off",
		"How answers are known to be authentic: validated here with "
		"DNSSEC, from the keys of the root down; by the AD bit of "
		"resolvers that are trusted, which is put to the test at the "
		"start; or not at all. With off there is no DANE." },
	{ "policy", "dnssec_check", SETTING_STR, "", NULL,
		"A signed name: DANE is off while its answers are not "
		"authentic. Empty: the root." },
	{ "policy", "dnssec_bogus", SETTING_STR, "", NULL,
		"A name whose signature is broken: DANE is off while its "
		"answers are called authentic. Empty: none." },
	{ "policy", "root_anchor", SETTING_PATH, "/usr/share/dns/root.key",
		NULL, "The DNSSEC keys of the root, for own validation." },
	{ "policy", "stubs", SETTING_STUBS, "", NULL,
		"Name servers of zones that the public DNS does not know, as "
		"ZONE=ADDRESS:PORT. For laboratories and trials." },
	{ "policy", "ca_file", SETTING_PATH, "", NULL,
		"Certificates to trust for policy hosts instead of those of "
		"the system." },
	{ "policy", "https_port", SETTING_INT, "443", "1..65535",
		"The port of policy hosts. Other than 443 only for "
		"laboratories." },
	{ "policy", "allow_private", SETTING_BOOL, "no", NULL,
		"Lets policies be fetched from private and loopback "
		"addresses. Only for laboratories." },
	{ "policy", "allow_networks", SETTING_NETS, "", NULL,
		"Networks, as 10.1.2.0/24, that policies may be fetched from "
		"although their addresses are private or special: for policy "
		"hosts of one's own." },
	{ "policy", "contact", SETTING_STR, "", NULL,
		"A mail address or URL by which the owners of policy hosts "
		"reach you, or learn what this is. It is told in the "
		"User-Agent: some block programs that do not say. Empty: "
		"none." },
	{ "policy", "answer_time", SETTING_TIME, "8s", "1..60",
		"How long a mail server waits for an answer at most. Then it "
		"gets one by what is known, while looking up goes on." },
	{ "policy", "fetch_time", SETTING_TIME, "60s", "1..300",
		"How long fetching one policy may take." },
	{ "policy", "grace", SETTING_TIME, "60s", "0..3600",
		"For how long an answer is given again before DNS is asked "
		"whether the policy has changed." },
	{ "policy", "refresh", SETTING_TIME, "1d", "3600..604800",
		"How often each cached policy is fetched again, whatever DNS "
		"says. The moment is random." },
	{ "policy", "unused", SETTING_TIME, "180d", "86400..315360000",
		"A cached policy that nobody asked for in this time is no "
		"longer refreshed, and forgotten when it has expired." },
	{ "policy", "hot_answers", SETTING_SIZE, "8m", "65536..17179869184",
		"Memory for answers that are ready to be sent." },
	{ "policy", "cache_max_size", SETTING_SIZE, "4g",
		"1048576..1099511627776",
		"How large the policy cache may grow. It takes address space "
		"at once and disk as it fills. Beyond it new domains are "
		"refused; an eighth more is for changes of known ones." },
	{ "policy", "cache_per_domain", SETTING_INT, "1000", "1..1000000000",
		"Policies that one registrable domain (as example.co.uk) may "
		"have in the cache. What is beyond is not kept; what is there "
		"stays." },
	{ "policy", "negative_answers", SETTING_INT, "20000", "100..100000000",
		"Domains without a policy that are remembered, in about 400 "
		"bytes each." },
	{ "policy", "tlsrpt", SETTING_BOOL, "no", NULL,
		"Whether the profile dane-sts tells Postfix what belongs into "
		"TLS reports. Postfix before 3.10 does not know these "
		"attributes and would defer all mail: only say yes from 3.10 "
		"on." },
	{ "policy", "visibility", SETTING_BOOL, "no", NULL,
		"Whether the profiles sts-tlsrpt and dane-sts have Postfix "
		"3.10 and later report to domains whose policy is in testing "
		"or cannot be fetched. Their mail then goes at level may: "
		"never say yes where smtp_tls_security_level is stronger. It "
		"needs smtp_tls_loglevel = routine,untrusted in main.cf: "
		"without, Postfix reports sessions as good unseen." },
	{ "policy", "release_held", SETTING_BOOL, "no", NULL,
		"Whether Postfix is asked to try a domain's deferred mail at "
		"once when what it waited for is over: a new policy, a rule, "
		"DNS that answers again. It is asked with postqueue -i, one "
		"message at a time." },
	{ "policy", "postfix_commands", SETTING_PATH, "/usr/sbin", NULL,
		"Where postqueue and postconf lie (command_directory in "
		"main.cf)." },
	{ "policy", "postfix_config", SETTING_PATH, "", NULL,
		"The folder with the main.cf of the Postfix to look at. Empty: "
		"Postfix's own, usually /etc/postfix. Another one has to stand "
		"in its alternate_config_directories." },
	{ "policy", "mta_dane", SETTING_BOOL, "yes", NULL,
		"Whether the mail server that asks for the profile sts does "
		"DANE itself, as Postfix at level dane. Sendmail as Debian "
		"builds it does not: say no, and MTA-STS alone decides, also "
		"for domains with DANE." },
	{ "policy", "metrics_listen", SETTING_ADDRS, "", NULL,
		"Where GET /metrics is answered over HTTP. Loopback addresses "
		"only. The control socket answers it anyway." },

	/* ---- profile: further socketmap names */
	{ "profile NAME", "kind", SETTING_CHOICE, "sts",
		"sts|sts-tlsrpt|dane-sts",
		"A mail server that asks for the socketmap NAME gets the "
		"answers of this built-in one, with the changes below. NAME "
		"is of letters, digits, - and _, at most 32." },
	{ "profile NAME", "enforce_testing", SETTING_BOOL, "no", NULL,
		"Whether policies in testing are applied as if they were in "
		"enforce." },
	{ "profile NAME", "tlsrpt", SETTING_BOOL, "no", NULL,
		"As policy.tlsrpt, for this profile. Kind sts-tlsrpt has it "
		"anyway, kind sts never." },
	{ "profile NAME", "visibility", SETTING_BOOL, "no", NULL,
		"As policy.visibility, for this profile." },
	{ "profile NAME", "mta_dane", SETTING_BOOL, "yes", NULL,
		"As policy.mta_dane, for this profile. Kind dane-sts has DANE "
		"anyway." },

	/* ---- cert: where certificates come from */
	{ "cert", "source", SETTING_CHOICE, "acme", "acme|files|exec|local-ca",
		"Where certificates come from: a certificate authority that "
		"speaks ACME, a folder of PEM files, a command, or a "
		"certificate authority of our own, for trials." },
	{ "cert", "key_type", SETTING_CHOICE, "p256", "p256|rsa",
		"Keys of new certificates: ECDSA on P-256, or RSA with 2048 "
		"bits." },
	{ "cert", "files", SETTING_PATH, "", NULL,
		"For source files: the folder with HOST/fullchain.pem and "
		"HOST/privkey.pem. Changes are noticed within a minute." },
	{ "cert", "exec", SETTING_PATH, "", NULL,
		"For source exec: the command. It is given the host name as "
		"its only argument, runs as server.user without a shell, and "
		"writes chain and private key as PEM." },

	/* ---- acme: the certificate authority */
	{ "acme", "directory", SETTING_STR,
		"https://acme-v02.api.letsencrypt.org/directory", NULL,
		"The directory URL of the certificate authority." },
	{ "acme", "ca_file", SETTING_PATH, "", NULL,
		"Certificates to trust for its web site instead of those of "
		"the system." },
	{ "acme", "contact", SETTING_LIST, "", NULL,
		"Mail addresses that the certificate authority may write to." },
	{ "acme", "agree_terms", SETTING_BOOL, "no", NULL,
		"Whether you agree to the terms of the certificate authority. "
		"Without it no account is made." },
	{ "acme", "eab_kid", SETTING_STR, "", NULL,
		"The key id of an external account binding, where the "
		"certificate authority wants one." },
	{ "acme", "eab_key_file", SETTING_STR, "", NULL,
		"The file with its key in base64url, readable by its owner "
		"alone, or credential:NAME for a systemd credential." },
	{ "acme", "profile", SETTING_STR, "", NULL,
		"The profile of certificates to ask for, by the name the "
		"certificate authority gives it. Empty: its default." },
	{ "acme", "challenges", SETTING_LIST, "http-01 tls-alpn-01 dns-01",
		NULL,
		"The challenges that may be used. They are tried in the order "
		"http-01, tls-alpn-01, dns-01." },
	{ "acme", "limits", SETTING_BOOL, "yes", NULL,
		"Whether to keep to the limits that Let's Encrypt documents. "
		"A private certificate authority may have none." },
	{ "acme", "preflight", SETTING_BOOL, "yes", NULL,
		"Whether to look, before anything is ordered, if the host "
		"leads here and would pass." },
	{ "acme", "workers", SETTING_INT, "4", "1..32",
		"Orders worked on at the same time." },

	/* ---- console: the API */
	{ "console", "host", SETTING_NAME, "", NULL,
		"The host name of the console." },
	{ "console", "forward", SETTING_BOOL, "no", NULL,
		"Whether the edge forwards requests for that host name to the "
		"console. There are no accounts yet by which it could know a "
		"stranger, so its API refuses what is forwarded." },
	{},
};
