public import MailDNS
