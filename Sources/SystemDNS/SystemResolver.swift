import MailDNS
