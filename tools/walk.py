# SPDX-License-Identifier: Apache-2.0
"""walk: the steps that take a domain from nothing to a hosted policy, done
the way its owner would: with moat's command line, curl and dig."""

import gzip
import json
import shlex
import smtplib
import subprocess
import time
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage

from trial import DOMAIN, HOST, REPORT_HOST, ROOT, program

# Bounds for a machine with much else to do.
PROOF_S = 120
CERTIFICATE_S = 120
CHANGE_S = 60
TOOL_S = 60


class WalkFailed(Exception):
    """A step did not do what it should."""


def shown(command, text):
    """A command and what it printed, as a person would see it."""
    return f"$ {command}\n{text.rstrip()}"


def quoted(argv):
    """A command as a person can paste it into a shell."""
    return shlex.join(short(word) for word in argv)


def short(path):
    """A path below the checkout as seen from there; anything else as it is."""
    return str(path).replace(f"{ROOT}/", "")


def moat(trial, *words, quiet=False):
    """Runs the command line; WalkFailed unless it exits with 0."""
    done = trial.moat(*words)
    if done.returncode != 0:
        raise WalkFailed(f"moat {' '.join(words)}: exit {done.returncode}\n"
                         f"{done.stdout}{done.stderr}")
    return done.stdout if quiet else shown(
        f"moat {' '.join(words)}", done.stdout)


def tool(*argv):
    """Runs curl or dig; WalkFailed unless it exits with 0."""
    done = subprocess.run([str(word) for word in argv], capture_output=True,
                          text=True, timeout=TOOL_S, check=False)
    if done.returncode != 0:
        raise WalkFailed(f"{' '.join(map(str, argv))}: exit "
                         f"{done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def until(what, timeout_s, look):
    """Polls look() until it gives something true, and gives that."""
    end = time.monotonic() + timeout_s
    while True:
        try:
            value = look()
        except WalkFailed:
            if time.monotonic() > end:
                raise
            value = None
        if value:
            return value
        if time.monotonic() > end:
            raise WalkFailed(f"{what}: not within {timeout_s} s")
        time.sleep(0.1)


def domain(trial):
    """moat domain show, as data."""
    return trial.moat.json("domain", "show", DOMAIN)


def curl_policy(trial):
    port = trial.ports["https"]
    return ("curl", "--silent", "--show-error", "--fail", "--cacert",
            trial.ca_file, "--resolve", f"{trial.policy_host}:{port}:{HOST}",
            f"https://{trial.policy_host}:{port}/.well-known/mta-sts.txt")


def dig_txt(trial, name):
    return ("dig", "+noall", "+answer", "+time=20", f"@{HOST}", "-p",
            trial.ports["resolver"], name, "TXT")


def policy_id(trial):
    """The id that senders see, through the customer's CNAME."""
    for line in tool(*dig_txt(trial, f"_mta-sts.{DOMAIN}")).splitlines():
        if "id=" in line:
            return line.split("id=")[1].split(";")[0].strip('" ')
    return None


def add(trial):
    if trial.moat("domain", "show", DOMAIN).returncode == 0:
        return (f"{DOMAIN} is there from the last start\n"
                + moat(trial, "domain", "show", DOMAIN))
    return moat(trial, "domain", "add", DOMAIN, "--rua-https")


def confirm(trial):
    if domain(trial)["mx_confirmed"]:
        return "confirmed at the last start"
    return moat(trial, "domain", "mx", DOMAIN, "--confirm")


def publish(trial):
    records = trial.moat.json("domain", "dns", DOMAIN)["records"]
    lines = [f"{r['owner']}. {r['type']} {r['value'].rstrip('.')}."
             for r in records if not r["optional"] and r["type"] == "CNAME"]
    new = [line for line in lines if not trial.has_published(line)]
    if not new:
        return "the customer's zone has them already"
    trial.publish("".join(line + "\n" for line in new))
    return "\n".join(["added to the customer's zone:", *new])


def proof(trial):
    said = moat(trial, "domain", "recheck", DOMAIN)
    began = time.monotonic()
    until("proof seen", PROOF_S,
          lambda: domain(trial)["proof"] not in (None, "", "none"))
    return (f"{said}\n{time.monotonic() - began:.1f} s later moat has seen "
            "that the customer's name leads to it")


def certificate(trial):
    until("certificate", CERTIFICATE_S, lambda: domain(trial).get("certificate"))
    return moat(trial, "domain", "show", DOMAIN)


def policy(trial):
    command = curl_policy(trial)
    text = until("policy", CHANGE_S, lambda: tool(*command))
    return shown(quoted(command), text)


def txt(trial):
    command = dig_txt(trial, f"_mta-sts.{DOMAIN}")
    until("TXT record", CHANGE_S, lambda: policy_id(trial))
    tls = dig_txt(trial, f"_smtp._tls.{DOMAIN}")
    return (shown(quoted(command), tool(*command)) + "\n"
            + shown(quoted(tls), tool(*tls)))


def change_mode(trial):
    before = policy_id(trial)
    mode = "testing" if domain(trial)["mode"] == "enforce" else "enforce"
    said = moat(trial, "domain", "mode", DOMAIN, mode, "--force")
    after = until("a new id in DNS", CHANGE_S, lambda: (
        lambda now: now if now != before else None)(policy_id(trial)))
    served = tool(*curl_policy(trial))
    if f"mode: {mode}" not in served:
        raise WalkFailed(f"the id changed before the policy did:\n{served}")
    return f"{said}\nid {before} -> {after}, and the policy says mode: {mode}"


def sender(trial):
    """What a mail server is told that has moat for its policies."""
    trial.start_sender()
    told = trial.ask_sender(DOMAIN, "sts")
    enforced = domain(trial)["mode"] == "enforce"
    wanted = f"OK secure match=mail.{DOMAIN} servername=hostname"
    if told != (wanted if enforced else "NOTFOUND "):
        raise WalkFailed(f"the sender's moat says: {told}")
    where = f"socketmap:inet:{HOST}:{trial.ports['socketmap']}:sts"
    return (f"Postfix with smtp_tls_policy_maps = {where} gets\n{told}"
            + ("" if enforced else "(mode testing: it delivers as before)"))


def report_json():
    """A report as a sender would make it of yesterday (RFC 8460 section 4)."""
    day = datetime.now(timezone.utc).date() - timedelta(days=1)
    return {
        "organization-name": "Sender Example",
        "date-range": {"start-datetime": f"{day}T00:00:00Z",
                       "end-datetime": f"{day}T23:59:59Z"},
        "contact-info": "postmaster@sender.example",
        "report-id": f"{day}-{time.time_ns()}@sender.example",
        "policies": [{
            "policy": {"policy-type": "sts", "policy-domain": DOMAIN,
                       "policy-string": ["version: STSv1", "mode: testing",
                                         f"mx: mail.{DOMAIN}",
                                         "max_age: 86400"],
                       "mx-host": [f"mail.{DOMAIN}"]},
            "summary": {"total-successful-session-count": 5326,
                        "total-failure-session-count": 3},
            "failure-details": [{
                "result-type": "certificate-expired",
                "sending-mta-ip": "192.0.2.25",
                "receiving-mx-hostname": f"mail.{DOMAIN}",
                "receiving-ip": "198.51.100.5",
                "failed-session-count": 3}],
        }],
    }


def stored_report(trial, report_id, state="accepted"):
    """The report as the API of the admin socket lists it, or None."""
    answer = tool("curl", "--silent", "--show-error", "--fail",
                  "--unix-socket", trial.moat.run_dir / "admin.sock",
                  f"http://moat/api/v1/reports?state={state}")
    for stored in json.loads(answer)["reports"]:
        if stored["report_id"] == report_id:
            return stored
    return None


def report(trial):
    path = trial.folder / "report.json"
    sent = report_json()
    path.write_text(json.dumps(sent, indent=2), encoding="utf-8")
    label = domain(trial)["label"]
    port = trial.ports["https"]
    command = ("curl", "--silent", "--show-error", "--cacert", trial.ca_file,
               "--resolve", f"{REPORT_HOST}:{port}:{HOST}",
               "--write-out", "%{http_code}\\n", "--header",
               "Content-Type: application/tlsrpt+json", "--data-binary",
               f"@{path}", f"https://{REPORT_HOST}:{port}/v1/tlsrpt/{label}")
    code = until("the report host", CERTIFICATE_S, lambda: tool(*command))
    if code.split()[-1:] != ["201"]:
        raise WalkFailed(f"the report was answered with {code}")
    stored = until("the report to be read", CHANGE_S,
                   lambda: stored_report(trial, sent["report-id"]))
    return (shown(quoted(command), code) + "\n"
            + moat(trial, "report", "show", str(path))
            + f"\nin the database as {stored['id']}, received by "
            f"{stored['via']}")


def report_mail(sent, to):
    """A report as mail (RFC 8460 section 5.3), but not signed."""
    mail = EmailMessage()
    mail["From"] = sent["contact-info"]
    mail["To"] = to
    mail["Subject"] = f"Report Domain: {DOMAIN} Submitter: sender.example"
    mail["TLS-Report-Domain"] = DOMAIN
    mail["TLS-Report-Submitter"] = "sender.example"
    mail.set_content("The report is attached.\n")
    mail.add_attachment(gzip.compress(json.dumps(sent).encode()),
                        maintype="application", subtype="tlsrpt+gzip")
    return mail


def report_by_mail(trial):
    """As the mail server of the report host hands it on."""
    sent = report_json()
    to = f"{domain(trial)['label']}@{REPORT_HOST}"
    port = trial.ports["lmtp"]
    try:
        with smtplib.LMTP(HOST, port, "mail.example", timeout=TOOL_S) as s:
            s.send_message(report_mail(sent, to))
    except (OSError, smtplib.SMTPException) as e:
        raise WalkFailed(f"the mail was refused: {e}") from e
    until("the mail to be read", CHANGE_S, lambda: stored_report(
        trial, sent["report-id"], "quarantined"))
    return (f"taken by LMTP on {HOST}:{port} for {to}\nnobody signed it, so "
            "it is shown apart and counts for nothing\n"
            + moat(trial, "report", "list", "--state", "quarantined"))


STEPS = (
    (f"moat domain add {DOMAIN}", add),
    ("a person confirms the MX hosts", confirm),
    ("the customer publishes the records", publish),
    ("moat sees the proof", proof),
    ("moat gets a certificate", certificate),
    ("the policy, as curl fetches it", policy),
    ("the TXT records, as dig sees them", txt),
    ("a change of mode, and the new id", change_mode),
    ("a sender's Postfix asks how to deliver", sender),
    ("a TLS report by POST, as tables", report),
    ("a TLS report by mail, and why it counts for nothing", report_by_mail),
)


def farewell(trial, check):
    """What to open and what to try, at the end."""
    if check:
        return f"\nall steps done: {DOMAIN} is hosted"
    port = trial.ports["https"]
    moat_here = shlex.join([str(program()), "-c", str(trial.moat.conf)])
    sender_here = shlex.join([short(program()), "-c",
                              short(trial.sender.conf)])
    other = "testing" if domain(trial)["mode"] == "enforce" else "enforce"
    return f"""
{DOMAIN} is hosted until you press Ctrl-C here; ./start goes on from there.

  policy   https://{trial.policy_host}:{port}/.well-known/mta-sts.txt
           in a terminal, with nothing to prepare:
             {quoted(curl_policy(trial))}
           in a browser on this machine: add this line to /etc/hosts
             {HOST} {trial.policy_host}
           and import {short(trial.ca_file)}, or accept the
           warning that nobody knows this certificate authority
  DNS      {quoted(dig_txt(trial, f"_mta-sts.{DOMAIN}"))}
  logs     {short(trial.moat.process.log)}

Try next, in a second terminal (after the first line, the commands that moat
itself suggests work as they are printed):

  alias moat={shlex.quote(moat_here)}
  moat status
  moat domain list
  moat domain show {DOMAIN}
  moat domain mode {DOMAIN} {other}
  moat report summary
  moat report list --state quarantined
  moat alert list
  moat --help

And as the one who sends mail there:

  {sender_here} explain {DOMAIN}
  {sender_here} cache list
"""
