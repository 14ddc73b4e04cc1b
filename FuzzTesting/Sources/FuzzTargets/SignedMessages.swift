/// Messages that were signed once, by another program and with keys that nobody has any more, and where those are published.
enum SignedMessages {
  /// The record of the RSA key, at `r._domainkey.example.com`.
  static let rsaKey =
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDYiXaPiLC9RljqJ4IVrvHfeS13HkRAB/v7TUs5en+t3XQ4AIdz/M"
    + "poDCpcsaDfgOKNNHcKDpc5Kp96Y6wzdZPWk2Xsu1rHYi3P9DpVo49uqYDbzNCrxRK0FdxlWb/d09hajXAif6uKC4P9"
    + "mcdFXCReusWIEk30OJr17pJxiRwsbwIDAQAB"

  /// The record of the Ed25519 key, at `e._domainkey.example.com`.
  static let edwardsKey = "v=DKIM1; k=ed25519; p=fzzm+LZul2iJJsOde9COmvZ3w/75TEE7G/bQC80OaHA="

  /// A record of a key by which nothing was signed.
  static let otherKey = "v=DKIM1; k=ed25519; p=wyhqhZkOk383EdIv24XRfqqdK6wuUpZUMSMQkU2Mf78="

  // What several of them have in common.
  private static let lunch = """
    From: Ann <ann@example.com>
    To: bob@example.net
    Subject: lunch  today
    Date: Mon, 02 Nov 2026 10:00:00 +0000
    Message-ID: <1@example.com>
    """

  private static let body = """
    Hello,

    see  you \t at noon.\u{20}
    --\u{20}
    Ann


    """

  private static let folded = """
    Received: from a by b; now
    From: ann@sub.example.com
    Subject: folded
    \tand  again
    X-Note: 1
    X-Note: 2
    """

  /// The messages; each line ends with a line feed here, in place of CRLF.
  static let all = [
    // relaxed/relaxed by RSA
    """
    DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com;
     i=@example.com; q=dns/txt; s=r; t=1795411085; h=from : to : subject :
     date : message-id : from;
     bh=4sziZLNufZTxnY4/046caYGDHqeJ8b/zgF0AxrXpLhg=;
     b=bH14fMl2y8opzPCp+eUIDxk+9Q3eFk4cByUPXIh5qJGW1/7dmSzEOP2n4u2Aj3eo/UHWp
     kFgmgFno/QlTjc523YxaKLcrOSTXTQrut2EhuqtsOT4b26GLd7VPdGYugHsrR/mj2IQDq7k
     XJHXh/EnXqmxQh8ebcgxgNKH0oczqko=
    \(lunch)

    \(body)
    """,
    // relaxed/simple by Ed25519
    """
    DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/simple; d=example.com;
     i=@example.com; q=dns/txt; s=e; t=1795411085; h=from : to : subject :
     date : message-id : from;
     bh=zyDZZeouvDC4fnWJAhN1xfdl+YutZrfbgcvJmxb6LUM=;
     b=7uFSor6Wv4cUTrL9kxSrjTKGQGBXU1AsthQNYHdTozBlINoAM9fmIWinEY+6vfxIgbASt
     +d1bjwDXeokZyC4Aw==
    \(lunch)

    \(body)
    """,
    // simple/simple, on behalf of a subdomain
    """
    DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=example.com;
     i=ann@sub.example.com; q=dns/txt; s=e; t=1795411085; h=from : subject
     : x-note; bh=EezyU3GNyG00OZXRNMcXsHVlBnQoGQn0kO8Uec8Gq9Q=;
     b=Tern3kLRVW3aD+y1wEdWYDXa/cf6yh+GE6+LMIgtN848Mk3y72Thz23T88aNsaOGOY3Rp
     c5vNTh51RePknMHBA==
    \(folded)

    one
     two\u{20}

    """,
    // simple/relaxed, a part of the body (l=)
    """
    DKIM-Signature: v=1; a=ed25519-sha256; c=simple/relaxed; d=example.com;
     i=@example.com; l=6; q=dns/txt; s=e; t=1795411085; h=from : from :
     subject : x-note : x-note : x-note;
     bh=eDCyaw7m810RhFf0TmGWGkTYiT/1GwL4/PCOGIr3ew4=;
     b=F8ECAnWYPKgJ9kmkGgpb/qM6HgBcIkXXvFnVVlFwxs+nirMjKkGqJdEhHH6iCP9uyldVt
     sJwkxXzjxyw0O11Dg==
    \(folded)

    text

    """,
    // a message without a body
    """
    DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com;
     i=@example.com; q=dns/txt; s=r; t=1795411085; h=from;
     bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
     b=dWvtcHfCwiPXJ3Y/tR/54Jcd47evEkzMLMcMUObpsBAJUFThO1vvi34zBBcr+PYU9YIMf
     3CA+/K6J2Rx7Hzr1Td7PAdVV1AnImiOnpm0mUdP2odgjq367GUqn5P9l6RxpXF1lG/8wm6k
     lECZeFPHR+jYwG9Ef8eByViGduZ8Owo=
    From: ann@example.com


    """,
    // two signatures
    """
    DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=example.com;
     i=@example.com; q=dns/txt; s=r; t=1795411085; h=from : date;
     bh=UrA8rmgY3eNBotmDWtzAmHyn5RyZv8Gea45sNGsP0zw=;
     b=Vnol1oaZu9g/AQSAU2LYq0IVtfJ2dBZM5TZYqEtiWKTbLpet2PlsCHPbsBvxU/SRFdazZ
     jxWNFvbMFayMKgAyRFL0VJg/Szh+MAJ4CWsarbvsHFtDnYxdP9NNEGYWwVoluPjlYB6S02B
     2iILy8oj1969Fp7MTfBeTBgo06nUncs=
    DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;
     i=@example.com; q=dns/txt; s=e; t=1795411085; h=from : subject;
     bh=UrA8rmgY3eNBotmDWtzAmHyn5RyZv8Gea45sNGsP0zw=;
     b=xtMIIDfoXGlH1DO1F8CpsmMkRqn/MCaPo6kxIxxQyedQoApBBO8C+AciJTCf5k3iPz60t
     W/EPPzOcytxl4xgDA==
    \(lunch)

    Hi.

    """,
  ]
}
