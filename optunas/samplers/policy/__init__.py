"""What REINFORCE learns: a recurrent ``controller`` that emits a member as a row of ``tokens``."""
