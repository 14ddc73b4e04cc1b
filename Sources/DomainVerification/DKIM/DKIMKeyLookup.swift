import MailDNS

extension DKIMVerifier {
  /// What the DNS answers, all questions asked at once, each different one once.
  func answers(to questions: [DNSQuestion]) async -> [DNSAnswer] {
    var asked: [DNSQuestion] = []
    for question in questions where !asked.contains(question) { asked.append(question) }
    let answers = await answers(toDifferent: asked)
    return questions.map { question in asked.firstIndex(of: question).flatMap { answers[$0] } ?? unanswered }
  }

  /// `nil` for what is not there when the time is over, or the task is cancelled.
  private func answers(toDifferent questions: [DNSQuestion]) async -> [DNSAnswer?] {
    var answers = [DNSAnswer?](repeating: nil, count: questions.count)
    guard !questions.isEmpty else { return answers }
    await withTaskGroup(of: (index: Int, answer: DNSAnswer)?.self) { group in
      for (index, question) in questions.enumerated() {
        group.addTask { [resolver] in (index, await resolver.resolve(question)) }
      }
      group.addTask { [clock, limits] in
        try? await clock.sleep(for: limits.duration)
        return nil
      }
      var missing = questions.count
      while missing > 0, let answered = await group.next(), let (index, answer) = answered {
        answers[index] = answer
        missing -= 1
      }
      group.cancelAll()
    }
    return answers
  }

  private var unanswered: DNSAnswer {
    DNSAnswer(.temporaryFailure(Task.isCancelled ? "the check was cancelled" : "no answer within \(limits.duration)"))
  }
}
